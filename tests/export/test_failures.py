"""What a user gets wrong, and what breaks on the way: one message with the cure, and nothing left behind."""

import importlib.util
import sys
from pathlib import Path

import pytest
from torch import Tensor, nn

from segexp.display.markdown import plain
from segexp.export import agreement, bundle, folder, int8, onnx
from segexp.export.__main__ import FORMATS, main
from segexp.export.agreement import Agreement
from segexp.export.capture import captured
from segexp.export.names import NAMES
from segexp.model.segmenter import Segmenter
from segexp.run.folder import RunFolder
from segexp.system.signals import TERMINATED
from tests.export.exported import copied, exported
from tests.full_disk import full_disk
from tests.process import status_when_told_to_end


class Channels(nn.Module):
    """As many logits as the image has channels, times a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, image: Tensor) -> Tensor:
        return image.float() * self.factor


class Halved(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return image.float()[..., ::2]


class Counts(nn.Module):
    """Asks a pixel what to do."""

    def forward(self, image: Tensor) -> Tensor:
        return image if image.sum() > 0 else -image


@pytest.mark.parametrize("factor", [1.001, float("nan"), float("inf")])
def test_another_network_is_refused(factor: float) -> None:
    found = agreement.compare(Channels(), Channels(factor), None, 1e-4)
    with pytest.raises(ValueError, match=r"at \[2, 3, 33, 47\] a logit differs by .*nothing was written: use another"):
        agreement.refuse_difference(found, 1e-4)


def test_the_same_network_is_not_refused() -> None:
    found = agreement.compare(Channels(), Channels(1.00001), (40, 50), 1e-4)
    agreement.refuse_difference(found, 1e-4)
    assert found[-1] == Agreement([1, 3, 40, 50], 255.0, pytest.approx(255e-5, rel=0.02), 0.0, 1)


def test_logits_of_another_size_are_named() -> None:
    with pytest.raises(ValueError, match=r"\[2, 3, 33, 24\] instead of torch.float32 \[2, 3, 33, 47\]"):
        agreement.compare(Channels(), Halved(), None, 1e-4)


def test_a_network_that_looks_at_pixels_to_decide_is_named() -> None:
    with pytest.raises(ValueError, match="torch.export cannot follow this network .*export a run of another model="):
        captured(Segmenter(Counts(), stride=1).eval())


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(ValueError, match=r"needs onnxscript: pip install 'segexp\[export\]'"):
        onnx.refuse_missing_library()


def test_an_export_that_fails_its_check_leaves_nothing(trained: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allowed is tolerance=1e-30"):
        exported(trained, tmp_path / "export", tolerance=1e-30)
    assert not (tmp_path / "export").exists()


def test_files_of_others_survive_and_those_of_an_earlier_export_go(trained: RunFolder, tmp_path: Path) -> None:
    there = tmp_path / "export"
    (there / ".partial").mkdir(parents=True)
    (there / ".partial" / onnx.FILE).write_text("of an export that was killed")
    (there / ".partial" / ".int8").mkdir()
    (there / ".partial" / ".int8" / "merged.onnx").write_text("of one that was killed while it quantised")
    for name in ("mine.txt", int8.FILE):
        (there / name).write_text("earlier")
    with pytest.raises(FileExistsError, match=rf"export already \({int8.FILE}\); add overwrite=true"):
        exported(trained, there, format="torch_export")
    exported(trained, there, overwrite=True, format="torch_export")
    names = {"mine.txt", "model.pt2", bundle.WEIGHTS, bundle.card.FILE, bundle.FACTS}
    assert {path.name for path in there.iterdir()} == names


def test_two_exports_never_share_a_folder(tmp_path: Path) -> None:
    with (
        folder.staged(tmp_path / "export", NAMES, False),
        pytest.raises(FileExistsError, match="written by another export"),
        folder.staged(tmp_path / "export", NAMES, False),
    ):
        pass


def test_a_disk_that_is_full_leaves_nothing(trained: RunFolder, tmp_path: Path) -> None:
    with full_disk(), pytest.raises(OSError, match=r"could not write .*model.pt2.*free some space"):
        exported(trained, tmp_path / "export", format="torch_export")
    assert not (tmp_path / "export").exists()


@pytest.mark.slow
def test_an_export_that_is_told_to_end_leaves_nothing(trained: RunFolder, tmp_path: Path) -> None:
    run = copied(trained, tmp_path)
    command = [sys.executable, "-m", "segexp.export", f"run={run.path}", f"output={tmp_path / 'export'}"]
    status = status_when_told_to_end(command, reading=run.checkpoint("best"), cwd=Path(__file__).parents[2])
    assert status == TERMINATED
    assert not (tmp_path / "export").exists()


def test_the_command_takes_every_format() -> None:
    """It names them itself, as it refuses others before torch is loaded."""
    assert tuple(bundle.FORMATS) == FORMATS


@pytest.mark.parametrize(
    ("typed", "cure"),
    [
        (["format=onxx"], "format is 'onxx'; allowed: onnx, torch_export"),
        (["format=[onnx]"], "format is ['onnx']; needed is a str"),
        (["quantise=int4"], "quantise is 'int4'; allowed: null, int8"),
        (["quantise=int8", "format=torch_export"], "not for format=torch_export; use format=onnx"),
        (["tolerance=0"], "tolerance is 0; needed is a fraction"),
        (["num_calibration_images=0"], "num_calibration_images is 0; needed is at least 1"),
        (["output=s3://bucket/export"], "needed is a folder of this machine"),
        (["run=file:///nowhere/run"], "to which nothing is written; add output=FOLDER"),
        (["checkpoint=bets"], "has no checkpoint 'bets'"),
        (["quantise=int8", "split=tset"], "choose another split"),
        (["quantize=int8"], "no key 'quantize'"),
    ],
)
def test_a_mistake_is_answered_with_the_cure(
    trained: RunFolder, typed: list[str], cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(trained, tmp_path)
    given = [] if typed[0].startswith("run=") else [f"run={run.path}"]
    with pytest.raises(SystemExit) as answer:
        answered(monkeypatch, *given, *typed)
    assert str(answer.value).startswith("segexp.export: ")
    assert cure in str(answer.value)
    assert not (run.path / "export").exists()


def test_a_run_on_object_storage_is_exported_here(
    trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """file:// stands for s3://: read through fsspec alike."""
    run = copied(trained, tmp_path)
    monkeypatch.setenv("SEGEXP_CACHE", str(tmp_path / "cache"))
    answered(monkeypatch, f"run=file://{run.path}", f"output={tmp_path / 'export'}", "format=torch_export")
    told = capsys.readouterr().out
    assert "largest difference of a logit: 0" in told
    assert f"{tmp_path / 'export' / 'model.pt2'}  " in told
    place = plain(f"file://{run.path}")
    assert f"run: {place}, checkpoint best" in (tmp_path / "export" / bundle.card.FILE).read_text()
    assert not (run.path / "export").exists()


def answered(monkeypatch: pytest.MonkeyPatch, *typed: str) -> None:
    """The command as typed, in this process."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(sys, "argv", ["export", *typed])
    main()
