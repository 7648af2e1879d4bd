"""Mistakes of users and failures on the way: one message with the cure, and nothing left behind."""

import importlib.util
import sys
from pathlib import Path

import pytest
from torch import Tensor, nn

from segexp.display.markdown import escape
from segexp.export import bundle, int8, onnx, parity, staging
from segexp.export.__main__ import main
from segexp.export.artifacts import ARTIFACTS
from segexp.export.capture import capture_program
from segexp.export.parity import ParityCheck
from segexp.export.settings import FORMATS
from segexp.model.segmenter import Segmenter
from segexp.run.folder import RunFolder
from segexp.system.signals import TERMINATED
from tests.export.exports import copy_run, export_run
from tests.full_disk import full_disk
from tests.process import status_when_told_to_end


class ScaledImage(nn.Module):
    """A network whose logits are the image's channels times a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, image: Tensor) -> Tensor:
        return image.float() * self.factor


class HalfAsWide(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image.float()[..., ::2]


class DependsOnPixels(nn.Module):
    """A network whose steps depend on the values of pixels."""

    def forward(self, image: Tensor) -> Tensor:
        return image if image.sum() > 0 else -image


@pytest.mark.parametrize("factor", [1.001, float("nan"), float("inf")])
def test_another_network_is_refused(factor: float) -> None:
    checks = parity.compare_networks(ScaledImage(), ScaledImage(factor), None, 1e-4)
    with pytest.raises(ValueError, match=r"at \[2, 3, 33, 47\] a logit differs by .*nothing was written: use another"):
        parity.refuse_difference(checks, 1e-4)


def test_the_same_network_is_not_refused() -> None:
    checks = parity.compare_networks(ScaledImage(), ScaledImage(1.00001), (40, 50), 1e-4)
    parity.refuse_difference(checks, 1e-4)
    assert checks[-1] == ParityCheck([1, 3, 40, 50], 255.0, pytest.approx(255e-5, rel=0.02), 0.0, 1)


def test_logits_of_another_size_are_named() -> None:
    with pytest.raises(ValueError, match=r"\[2, 3, 33, 24\] instead of torch.float32 \[2, 3, 33, 47\]"):
        parity.compare_networks(ScaledImage(), HalfAsWide(), None, 1e-4)


def test_a_network_that_looks_at_pixels_to_decide_is_named() -> None:
    with pytest.raises(ValueError, match="torch.export cannot follow this network .*export a run of another model="):
        capture_program(Segmenter(DependsOnPixels(), stride=1).eval())


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(ValueError, match=r"needs onnxscript: pip install 'segexp\[export\]'"):
        onnx.refuse_missing_library()


def test_an_export_that_fails_its_check_leaves_nothing(trained: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allowed: tolerance=1e-30"):
        export_run(trained, tmp_path / "export", tolerance=1e-30)
    assert not (tmp_path / "export").exists()


def test_files_of_others_survive_and_those_of_an_earlier_export_go(trained: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "export"
    (target / ".partial").mkdir(parents=True)
    (target / ".partial" / onnx.FILE).write_text("of an export that was killed")
    (target / ".partial" / ".int8").mkdir()
    (target / ".partial" / ".int8" / "merged.onnx").write_text("of one that was killed while it quantised")
    for name in ("mine.txt", int8.FILE):
        (target / name).write_text("earlier")
    with pytest.raises(FileExistsError, match=rf"already has an export \({int8.FILE}\); add overwrite=true"):
        export_run(trained, target, format="torch_export")
    export_run(trained, target, overwrite=True, format="torch_export")
    names = {"mine.txt", "model.pt2", bundle.WEIGHTS, bundle.card.FILE, bundle.SUMMARY}
    assert {path.name for path in target.iterdir()} == names


def test_two_exports_never_share_a_folder(tmp_path: Path) -> None:
    with (
        staging.stage_export(tmp_path / "export", ARTIFACTS, False),
        pytest.raises(FileExistsError, match="written by another export"),
        staging.stage_export(tmp_path / "export", ARTIFACTS, False),
    ):
        pass


def test_a_disk_that_is_full_leaves_nothing(trained: RunFolder, tmp_path: Path) -> None:
    with full_disk(), pytest.raises(OSError, match=r"could not write .*model.pt2.*free some space"):
        export_run(trained, tmp_path / "export", format="torch_export")
    assert not (tmp_path / "export").exists()


@pytest.mark.slow
def test_an_export_that_is_told_to_end_leaves_nothing(trained: RunFolder, tmp_path: Path) -> None:
    run = copy_run(trained, tmp_path)
    command = [sys.executable, "-m", "segexp.export", f"run={run.path}", f"output={tmp_path / 'export'}"]
    status = status_when_told_to_end(command, reading=run.checkpoint("best"), cwd=Path(__file__).parents[2])
    assert status == TERMINATED
    assert not (tmp_path / "export").exists()


def test_every_allowed_format_has_an_exporter() -> None:
    """The settings name the formats themselves, as they refuse others before torch is loaded."""
    assert tuple(bundle.EXPORTERS) == FORMATS


@pytest.mark.parametrize(
    ("typed", "facts"),
    [
        (["format=onxx"], ["format is 'onxx'", "onnx, torch_export"]),
        (["format=[onnx]"], ["format is ['onnx']", "onnx, torch_export"]),
        (["quantise=int4"], ["quantise is 'int4'", "null", "int8"]),
        (["quantise=int8", "format=torch_export"], ["quantise is 'int8'", "format is 'torch_export'", "format=onnx"]),
        (["quantise=int8", "result=class_ids"], ["quantise is 'int8'", "result is 'class_ids'", "result=logits"]),
        (["opset=17", "format=torch_export"], ["opset is 17", "format is 'torch_export'", "format=onnx"]),
        (["input=float16"], ["input is 'float16'", "uint8, float32, normalised"]),
        (["result=argmax"], ["result is 'argmax'", "logits, class_ids"]),
        (["fixed_size=[16,64]"], ["fixed_size is [16, 64]", "null", "[height, width], each at least 32"]),
        (["tolerance=0"], ["tolerance is 0", "fraction of the largest logit", "between 0 and 1"]),
        (["num_calibration_images=0"], ["num_calibration_images is 0", "at least 1"]),
        (["output=2024"], ["output is 2024", "null", "path of a folder"]),
        (["output=s3://bucket/export"], ["output is 's3://bucket/export'", "folder of this machine"]),
        (["run=file:///nowhere/run"], ["run is the URL file:///nowhere/run", "output=FOLDER"]),
        (["checkpoint=bets"], ["has no checkpoint 'bets'", "best"]),
        (["quantise=int8", "split=tset"], ["tset", "choose another split"]),
        (["quantize=int8"], ["no key 'quantize'", "quantise"]),
    ],
)
def test_a_mistake_is_answered_with_the_cure(
    trained: RunFolder, typed: list[str], facts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copy_run(trained, tmp_path)
    given = [] if typed[0].startswith("run=") else [f"run={run.path}"]
    with pytest.raises(SystemExit) as refusal:
        run_command(monkeypatch, *given, *typed)
    message = str(refusal.value)
    assert message.startswith("segexp.export: ")
    assert [fact for fact in facts if fact not in message] == [], message
    assert not (run.path / "export").exists()


def test_a_run_on_object_storage_is_exported_here(
    trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """file:// stands for s3://: read through fsspec alike."""
    run = copy_run(trained, tmp_path)
    monkeypatch.setenv("SEGEXP_CACHE", str(tmp_path / "cache"))
    run_command(monkeypatch, f"run=file://{run.path}", f"output={tmp_path / 'export'}", "format=torch_export")
    printed = capsys.readouterr().out
    assert "largest difference of a logit: 0" in printed
    assert f"{tmp_path / 'export' / 'model.pt2'}  " in printed
    place = escape(f"file://{run.path}")
    assert f"run: {place}, checkpoint best" in (tmp_path / "export" / bundle.card.FILE).read_text()
    assert not (run.path / "export").exists()


def run_command(monkeypatch: pytest.MonkeyPatch, *typed: str) -> None:
    """Run the command as typed, in this process."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(sys, "argv", ["export", *typed])
    main()
