"""Evaluation of a run: the figures of its training, and those of the official evaluator."""

import json
import shlex
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segexp import build
from segexp.config.compose import compose
from segexp.data.cityscapes import CITYSCAPES
from segexp.evaluate.files import save_evaluation
from segexp.evaluate.result import Evaluation
from segexp.evaluate.settings import EvaluateSettings
from segexp.evaluate.split import evaluate, prepare_evaluation
from segexp.inference.trusted_parts import labels_of_run, source_of_run
from segexp.metric import scores
from segexp.run.folder import RunFolder
from segexp.system.once import warn_once
from tests.evaluate.options import evaluate_settings

LAST = evaluate_settings(checkpoint="last", device="cpu", num_scenes=2, precision="float32")


@pytest.fixture(scope="module")
def evaluation(trained: RunFolder) -> Evaluation:
    folder = trained.evaluation("val") / "predictions"
    folder.with_name(".predictions").mkdir(parents=True)
    (folder.with_name(".predictions") / "left_by_a_killed_evaluation.png").touch()
    return evaluate(prepare_evaluation(trained, LAST, folder))


def test_evaluation_repeats_the_figure_of_validation(trained: RunFolder, evaluation: Evaluation) -> None:
    last = [row["val/miou"] for row in trained.history() if "val/miou" in row][-1]
    assert scores.mean(scores.class_iou(evaluation.confusion)) == pytest.approx(last, abs=1e-6)


def test_evaluation_is_at_native_size_whatever_the_network_is_given(compose_small, tmp_path: Path) -> None:
    from tests.training import start

    start(compose_small("data.image_size=[32,64]"), tmp_path, {"data": "streets"}, [])
    run = RunFolder.open(tmp_path)
    evaluation = evaluate(prepare_evaluation(run, LAST))
    assert evaluation.confusion.sum() == 3 * 64 * 128
    last = [row["val/miou"] for row in run.history() if "val/miou" in row][-1]
    assert scores.mean(scores.class_iou(evaluation.confusion)) == pytest.approx(last, abs=1e-6)


def test_one_matrix_an_image_is_saved_with_its_name(trained: RunFolder, evaluation: Evaluation) -> None:
    folder = trained.evaluation("val")
    save_evaluation(evaluation, trained, folder)
    saved = np.load(folder / "confusion.npz")
    assert saved["confusions"].shape == (3, 19, 19)
    assert saved["names"].tolist() == evaluation.names
    assert saved["classes"].tolist() == list(evaluation.grouping.names)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["num_images"] == 3
    assert metrics["metrics"]["miou"] == pytest.approx(scores.mean(scores.class_iou(saved["confusions"].sum(0))))
    assert {"sheet.png", "confusion.png"} <= {path.name for path in folder.iterdir()}


def test_predictions_hold_one_picture_a_scene_and_nothing_else(trained: RunFolder, evaluation: Evaluation) -> None:
    written = {path.stem for path in (trained.evaluation("val") / "predictions").iterdir()}
    assert written == set(evaluation.names)


def test_another_place_of_the_data_can_be_given(trained: RunFolder, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    source, image_format = source_of_run(trained, {"root": str(moved), "bit_depth": 12})
    assert source.folder.parent == moved
    assert image_format == (None, 12)


def as_folder(trained: RunFolder, root: Path, labels: dict[int, str]) -> EvaluateSettings:
    """Copy the run's validation split to root in another layout; return the settings that evaluate the run there."""
    for pair in source_of_run(trained, {})[0].pairs("val"):
        for kind, file in (("images", pair.image), ("masks", pair.mask)):
            (root / kind / "val").mkdir(parents=True, exist_ok=True)
            shutil.copy(file, root / kind / "val" / f"{pair.name}.png")
    named = ", ".join(f"{number}: {name}" for number, name in labels.items())
    typed = ["run=.", "data=folder", f"data.root={root}", f"data.labels={{{named}}}", "checkpoint=last", "device=cpu"]
    return EvaluateSettings.of(compose("evaluate", [*typed, "precision=float32"]))


def test_another_data_set_is_scored_as_the_runs_own_if_it_has_the_same_scenes(
    trained: RunFolder, evaluation: Evaluation, tmp_path: Path
) -> None:
    labels = {label.id: label.name for label in CITYSCAPES.labels}
    settings = as_folder(trained, tmp_path, labels)
    assert settings.evaluation_name == "val_folder"
    there = evaluate(prepare_evaluation(trained, settings))
    assert there.confusion.tolist() == evaluation.confusion.tolist()
    assert there.facts["data"]["_target_"] == "segexp.data.folder.Folder"


def test_classes_that_another_data_set_does_not_have_are_named_and_have_no_score(
    trained: RunFolder, evaluation: Evaluation, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = {label.id: label.name for label in CITYSCAPES.labels}
    warn_once.cache_clear()
    some = {number: name if name in ("road", "sky", "car") else f"other {name}" for number, name in labels.items()}
    there = evaluate(prepare_evaluation(trained, as_folder(trained, tmp_path, some)))
    names = list(there.grouping.names)
    kept = [names.index(name) for name in ("road", "sky", "car")]
    assert there.confusion[kept].tolist() == evaluation.confusion[kept].tolist()
    assert there.confusion.sum() == there.confusion[kept].sum()
    assert "that this data set does not have: sidewalk, building, " in caplog.text


def test_a_data_set_without_any_label_of_the_run_is_refused_with_what_it_has(
    trained: RunFolder, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="has none of them; it has: cat; name its labels as those, by data.labels"):
        source_of_run(trained, as_folder(trained, tmp_path, {0: "cat"}).data)
    with pytest.raises(ValueError, match=r"add data.root=\.\.\. to the command"):
        source_of_run(trained, {"_target_": "segexp.data.camvid.CamVid"})


def test_of_another_data_set_a_stranger_chooses_nothing(trained: RunFolder, tmp_path: Path) -> None:
    settings = as_folder(trained, tmp_path / "set", {7: "road"})
    run = RunFolder(tmp_path / "run")
    run.write_environment(trained.environment)
    stored = {"_target_": "os.system", "root": "s3://elsewhere", "images": "/etc", "image_size": [64, 64]}
    run.write_config({**trained.config, "data": stored})
    source, image_format = source_of_run(run, settings.data)
    assert len(source.pairs("val")) == 3
    assert image_format.image_size == (64, 64)
    run.write_config({**trained.config, "data": stored, "classes": {"_target_": "os.system", "command": "false"}})
    with pytest.raises(ValueError, match="wants to build 'os.system'"):
        source_of_run(run, settings.data)


@pytest.fixture
def asking(trained: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunFolder]:
    """A run that asks for one scene of each split below the default root, which is not rendered yet; or for others."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    few = {"root": "~/.cache/segexp/streets", "num_train": 1, "num_val": 1, "height": 32, "width": 32}

    def made(**settings: Any) -> RunFolder:
        run = RunFolder(tmp_path / "run")
        run.write_environment(trained.environment)
        run.write_config({**trained.config, "data": {**trained.config["data"], **few, **settings}})
        return run

    return made


def test_scenes_are_rendered_for_a_run_at_the_default_root(asking: Callable[..., RunFolder], tmp_path: Path) -> None:
    source, _ = source_of_run(asking(), {})
    assert len(source.pairs("val")) == 1
    assert [path.name for path in (tmp_path / "home/.cache/segexp/streets").iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("stored", "typed", "allowed"),
    [
        ({"root": "elsewhere"}, {}, "sets at the default data.root"),
        ({"root": "elsewhere"}, {"root": "elsewhere"}, "sets at the default data.root"),
        ({}, {"root": "mistyped"}, "sets at the default data.root"),
        ({"num_train": 10_000_000}, {}, "sets of at most 1000000000 pixels"),
        ({"height": 2**15, "width": 2**15}, {}, "sets of at most 1000000000 pixels"),
    ],
)
def test_a_run_does_not_choose_where_nor_how_much_is_rendered(
    stored: dict, typed: dict, allowed: str, asking: Callable[..., RunFolder], tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").touch()  # where no scene can be written, or millions would be before this test fails
    source, _ = source_of_run(asking(**stored), typed)
    with pytest.raises(FileNotFoundError, match=f"only {allowed} are rendered") as error:
        source.pairs("val")
    assert {path.name for path in tmp_path.iterdir()} == {"home", "run"}
    advice = str(error.value).partition("python -m segexp.check ")[2]
    assert build.source(compose("check", shlex.split(advice))).folder == source.folder.absolute()


def test_no_address_is_asked_that_only_the_run_names(trained: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_environment({**trained.environment, "choices": {"data": "cityscapes"}})
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/set"
        run.write_config({**trained.config, "data": {**trained.config["data"], "root": url}})
        with pytest.raises(ValueError, match=f"names data at '{url}', .* type it yourself: data.root="):
            prepare_evaluation(run, LAST)
        assert labels_of_run(run) == (CITYSCAPES, (None, None))  # to predict, no data is needed
        with pytest.raises(BlockingIOError):
            server.accept()
    source, _ = source_of_run(run, {"root": "s3://typed/set"})
    assert source.root == "s3://typed/set"


def test_a_strangers_run_folder_builds_nothing_foreign(trained: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_environment(trained.environment)
    run.write_config({**trained.config, "model": {"_target_": "os.system", "command": "false"}})
    with pytest.raises(ValueError, match="wants to build 'os.system'"):
        prepare_evaluation(run, LAST)
    run.write_config({**trained.config, "data": {**trained.config["data"], "root": {"_target_": "os.getcwd"}}})
    with pytest.raises(ValueError, match=r"wants to build 'os.getcwd'"):
        source_of_run(run, {})
    run.write_environment({**trained.environment, "choices": {"data": "../../outside"}})
    with pytest.raises(ValueError, match="was trained on data='../../outside'; allowed:"):
        source_of_run(run, {})


def test_predictions_on_a_full_disk_are_named_with_the_cure_and_leave_nothing(
    trained: RunFolder, tmp_path: Path
) -> None:
    written = trained.evaluation("full") / "predictions"
    job = prepare_evaluation(trained, LAST, written)
    written.parent.mkdir(parents=True)
    written.with_name(".predictions").touch()  # where no folder can be, as on a full disk
    with pytest.raises(OSError, match=r"could not write .*/\.predictions/.*\.png: .*; "):
        evaluate(job)
    written.with_name(".predictions").unlink()
    assert list(written.parent.iterdir()) == []
