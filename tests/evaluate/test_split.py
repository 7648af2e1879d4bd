"""Images shared out among processes, counts on disk, scores from counts."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.evaluate.files import (
    arrays_to_store,
    lock_evaluation,
    refuse_other_settings,
    remove_outdated,
    replace_scores,
    save_evaluation,
    save_scores,
    settings_as_json,
)
from segexp.evaluate.regroup import regroup
from segexp.evaluate.result import Evaluation
from segexp.evaluate.split import evaluate, prepare_evaluation
from segexp.inference.settings import Inference
from segexp.metric import scores
from segexp.run.folder import RunFolder
from segexp.types import VOID
from tests.evaluate.guess import evaluate_guess, evaluation_job, grouping
from tests.evaluate.options import evaluate_settings


@pytest.fixture(scope="module")
def evaluation(streets_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return evaluate_guess(streets_root, "cityscapes19", tmp_path_factory.mktemp("guess") / "predictions")


def test_two_processes_count_the_same_as_one_bit_for_bit(streets_root: Path, tmp_path: Path, evaluation) -> None:
    shared = evaluate_guess(streets_root, "cityscapes19", tmp_path / "predictions", num_processes=2)
    ours, theirs = arrays_to_store(shared), arrays_to_store(evaluation)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    assert shared.scores() == evaluation.scores()
    assert [row.name for row in shared.sheet_rows] == [evaluation.names[0], evaluation.names[4]]
    assert sorted(path.stem for path in (tmp_path / "predictions").iterdir()) == evaluation.names


@pytest.mark.slow
def test_a_broken_image_in_another_process_is_named(streets_root: Path, tmp_path: Path) -> None:
    source = evaluate_guess(tmp_path / "streets", "cityscapes19")
    mask = Path(source.files["masks"][2])
    mask.write_bytes(mask.read_bytes()[:100])
    with pytest.raises(ValueError, match=re.escape(f"{mask} cannot be decoded")):
        evaluate_guess(tmp_path / "streets", "cityscapes19", tmp_path / "predictions", num_processes=2)
    assert {path.name for path in tmp_path.iterdir()} == {"streets"}  # no predictions of half a split


def test_scores_per_image_follow_their_definition(evaluation: Evaluation) -> None:
    image_miou = []
    for confusion in evaluation.counts["confusions"]:
        iou = [confusion[c, c] / (confusion[c].sum() + confusion[:, c].sum() - confusion[c, c])
               for c in range(19) if confusion[c].sum()]  # fmt: skip
        image_miou.append(np.mean(iou))
    named_scores = evaluation.scores()
    assert named_scores["image_miou"] == pytest.approx(np.mean(image_miou))
    assert named_scores["image_miou_worst_5_percent"] == pytest.approx(min(image_miou))  # of five images, one


@pytest.mark.parametrize("classes", ["cityscapes7", "cityscapes8"])
def test_regrouped_scores_are_those_of_regrouped_predictions(classes: str, evaluation, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    save_scores(evaluation, run.evaluation("val"))
    coarse = regroup(run, "val", evaluation.grouping, grouping(classes), evaluation.table, evaluation.metrics)
    lookup = grouping(classes).lookup(evaluation.table)
    expected = np.zeros((coarse.grouping.num_classes,) * 2, np.int64)
    predictions = Path(evaluation.facts["folder"])
    for name, mask in zip(evaluation.names, evaluation.files["masks"], strict=True):
        true, predicted = (lookup[np.array(Image.open(path))] for path in (mask, predictions / f"{name}.png"))
        np.add.at(expected, (true[true != VOID], predicted[true != VOID]), 1)
    assert np.array_equal(coarse.confusion, expected)
    assert coarse.facts["regrouped_from"] == "val"
    assert coarse.scores()["miou"] == pytest.approx(scores.mean(scores.class_iou(expected)))


def test_a_regrouped_evaluation_can_be_saved_and_read_as_any_other(evaluation: Evaluation, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    save_scores(evaluation, run.evaluation("val"))
    coarse = regroup(run, "val", evaluation.grouping, grouping("cityscapes7"), evaluation.table, evaluation.metrics)
    save_evaluation(coarse, run, run.evaluation("val_cityscapes7"))
    with np.load(run.evaluation("val_cityscapes7") / "confusion.npz") as stored:
        assert stored["confusions"].shape == (5, 7, 7)
    metrics = json.loads((run.evaluation("val_cityscapes7") / "metrics.json").read_text())["metrics"]
    assert metrics["miou"] == pytest.approx(evaluation.scores()["category_miou"])
    assert "boundary_miou" not in metrics
    with pytest.raises(ValueError, match="val_cityscapes7 was itself regrouped; start from name=val"):
        regroup(
            run,
            "val_cityscapes7",
            grouping("cityscapes7"),
            grouping("cityscapes7"),
            evaluation.table,
            evaluation.metrics,
        )


def test_counts_and_facts_of_two_evaluations_are_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    folder = run.evaluation("val")
    save_scores(evaluation, folder)
    metrics = json.loads((folder / "metrics.json").read_text())
    with np.load(folder / "confusion.npz") as stored:
        assert str(stored["settings"]) == settings_as_json(metrics)
    (folder / "metrics.json").write_text(json.dumps({**metrics, "step": 7}))
    with pytest.raises(ValueError, match=r"confusion.npz and metrics.json are of two evaluations"):
        regroup(run, "val", evaluation.grouping, grouping("cityscapes7"), evaluation.table, evaluation.metrics)


def test_scores_that_are_nan_are_stored_as_null(evaluation: Evaluation, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    empty = replace(evaluation, counts={name: np.zeros_like(counts) for name, counts in evaluation.counts.items()})
    save_scores(empty, run.evaluation("val"))
    text = (run.evaluation("val") / "metrics.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["metrics"]["miou"] is None


def test_classes_cannot_be_split_by_regrouping(streets_root: Path, tmp_path: Path) -> None:
    coarse, run = evaluate_guess(streets_root, "cityscapes7"), RunFolder(tmp_path)
    save_scores(coarse, run.evaluation("val"))
    with pytest.raises(
        ValueError, match=r"class 'flat' of cityscapes7 is part of \['road', 'sidewalk'\] of cityscapes19"
    ):
        regroup(run, "val", coarse.grouping, grouping("cityscapes19"), coarse.table, coarse.metrics)
    with pytest.raises(FileNotFoundError, match="no evaluation test to regroup"):
        regroup(run, "test", coarse.grouping, grouping("cityscapes7"), coarse.table, coarse.metrics)


def test_an_evaluation_with_other_settings_is_overwritten_on_request_only(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path)
    folder = run.evaluation("val")
    save_scores(evaluation, folder)
    refuse_other_settings(folder, evaluation.facts, overwrite=False)
    other = {**evaluation.facts, "inference": {"flip": True}}
    with pytest.raises(FileExistsError, match="with flip=null, and this one has flip=true; add name=ANOTHER to"):
        refuse_other_settings(folder, other, overwrite=False)
    refuse_other_settings(folder, other, overwrite=True)


def test_further_metrics_are_added_without_a_request_and_none_is_taken_away(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path).evaluation("val")
    stored = {"overlap": {}, "boundary": {"width": 0.02}}
    save_scores(replace(evaluation, facts={**evaluation.facts, "metric": stored}), folder)
    refuse_other_settings(folder, {**evaluation.facts, "metric": {**stored, "mine": {"k": 1}}}, overwrite=False)
    for fewer in ({"overlap": {}}, {"overlap": {}, "boundary": {"width": 0.05}, "mine": {}}):
        with pytest.raises(FileExistsError, match="already has an evaluation with metric="):
            refuse_other_settings(folder, {**evaluation.facts, "metric": fewer}, overwrite=False)


def test_files_of_an_earlier_evaluation_do_not_stay_beside_new_scores(evaluation: Evaluation, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    folder = run.evaluation("val")
    save_scores(evaluation, folder)
    (folder / "predictions").mkdir()
    for name in ("submission.zip", "official.json", "sheet.png", "confusion.png"):
        (folder / name).touch()
    remove_outdated(folder, evaluation.facts)
    assert (folder / "predictions").is_dir()
    remove_outdated(folder, {**evaluation.facts, "step": 7})
    assert {path.name for path in folder.iterdir()} == {"confusion.npz", "metrics.json"}


def test_predictions_never_stand_beside_the_scores_of_another_evaluation(
    streets_root: Path, evaluation: Evaluation, tmp_path: Path
) -> None:
    folder = tmp_path / "evaluation/val"
    save_scores(evaluation, folder)
    (folder / "predictions").mkdir()
    (folder / "predictions/earlier.png").touch()
    job = evaluation_job(streets_root, "cityscapes19", folder / "predictions")
    job.facts["step"] = 7

    def interrupt(evaluation: Evaluation, after_scores: bool) -> None:
        if after_scores:
            replace_scores(evaluation, folder)
        raise KeyboardInterrupt

    for after_scores, left in ((False, ["earlier.png"]), (True, [])):
        with pytest.raises(KeyboardInterrupt):
            evaluate(job, partial(interrupt, after_scores=after_scores))
        assert [path.name for path in folder.glob("predictions/*")] == left
    evaluate(job, partial(replace_scores, folder=folder))
    assert sorted(path.stem for path in folder.glob("predictions/*")) == evaluation.names


def test_regrouped_scores_are_removed_with_the_evaluation_they_came_from(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path)
    save_scores(evaluation, run.evaluation("val"))
    save_scores(evaluation, run.evaluation("val_other"))
    coarse = regroup(run, "val", evaluation.grouping, grouping("cityscapes7"), evaluation.table, evaluation.metrics)
    save_scores(coarse, run.evaluation("val_cityscapes7"))
    remove_outdated(run.evaluation("val"), evaluation.facts)
    remove_outdated(run.evaluation("val_other"), {**evaluation.facts, "step": 7})
    assert run.evaluation("val_cityscapes7").is_dir()
    remove_outdated(run.evaluation("val"), {**evaluation.facts, "step": 7})
    assert {path.name for path in (tmp_path / "evaluation").iterdir()} == {"val", "val_other"}


def test_a_folder_is_evaluated_by_one_process_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "evaluation/val"
    with (
        lock_evaluation(folder),
        pytest.raises(
            FileExistsError, match=r"val is being evaluated by another process; wait or choose another name="
        ),
        lock_evaluation(folder),
    ):
        pass
    assert not folder.exists()  # nothing came of it
    with lock_evaluation(folder):
        (folder / "metrics.json").touch()
    with lock_evaluation(folder):
        pass
    assert (folder / "metrics.json").is_file()


def test_a_folder_that_cannot_be_written_to_is_refused_first(tmp_path: Path) -> None:
    (tmp_path / "evaluation").touch()
    with (
        pytest.raises(OSError, match="cannot write to .*val: .*make it writable"),
        lock_evaluation(tmp_path / "evaluation/val"),
    ):
        pass


def test_data_without_instances_has_no_iiou(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = evaluate_guess(tmp_path / "streets", "cityscapes19")
    first, *others = [Path(mask.replace("labelIds", "instanceIds")) for mask in evaluation.files["masks"]]
    first.unlink()
    evaluation = evaluate_guess(tmp_path / "streets", "cityscapes19")
    assert "objects" not in evaluation.counts
    assert "no scores from objects: 1 of 5 images lack its file, such as *_instanceIds.png\n" in capsys.readouterr().out
    for path in others:
        path.unlink()
    evaluation = evaluate_guess(tmp_path / "streets", "cityscapes19")
    assert "no scores" not in capsys.readouterr().out
    assert "objects" not in evaluation.counts
    assert "iiou" not in evaluation.scores()
    assert {"miou", "boundary_miou", "ece"} <= evaluation.scores().keys()


def test_windows_of_a_resized_network_are_told_apart_from_those_of_earlier_versions(trained: RunFolder) -> None:
    """These cut windows out of the resized image, so that the same setting was another one."""
    data = {"image_size": [32, 64]}
    resized = prepare_evaluation(trained, evaluate_settings(window=[32, 64], data=data)).facts
    native = prepare_evaluation(trained, evaluate_settings(window=[32, 64])).facts
    assert (resized["window_unit"], native.get("window_unit")) == ("pixel of the image", None)
    assert '"window_unit"' in settings_as_json(resized)
    assert '"window_unit"' not in settings_as_json(native), "as in files of earlier versions"


def test_a_window_that_changes_nothing_is_said_to(streets_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = evaluation_job(streets_root, "cityscapes7")
    for window, expected in (((128, 256), 1), ((64, 256), 0)):
        evaluate(replace(job, task=replace(job.task, inference=Inference(window=window))))
        assert capsys.readouterr().out.count("window=[128,256] changed nothing: every image fits into it") == expected
