"""Evaluation of a run: the figures of its training, and those of the official evaluator."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from segexp import build
from segexp.evaluation import Evaluation, evaluate, save
from segexp.metric import scores
from segexp.run import RunFolder

CPU = torch.device("cpu")
OFFICIAL = "cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling"


@pytest.fixture(scope="module")
def evaluation(trained: RunFolder) -> Evaluation:
    folder = trained.evaluation("val") / "predictions"
    folder.with_name(".predictions").mkdir(parents=True)
    (folder.with_name(".predictions") / "left_by_a_killed_evaluation.png").touch()
    return evaluate(trained, "val", "last", {}, num_scenes=2, device=CPU, predictions=folder)


def test_evaluation_repeats_the_figure_of_validation(trained: RunFolder, evaluation: Evaluation) -> None:
    last = [row["val/miou"] for row in trained.history() if "val/miou" in row][-1]
    assert scores.mean(scores.class_iou(evaluation.confusion)) == pytest.approx(last, abs=1e-6)


def test_evaluation_is_at_native_size_whatever_the_network_is_given(compose_small, tmp_path: Path) -> None:
    from segexp.fit import start

    start(compose_small("data.image_size=[32,64]"), tmp_path, {"data": "streets"}, [])
    run = RunFolder.open(tmp_path)
    found = evaluate(run, "val", "last", {}, 1, CPU, None)
    assert found.confusion.sum() == 3 * 64 * 128
    last = [row["val/miou"] for row in run.history() if "val/miou" in row][-1]
    assert scores.mean(scores.class_iou(found.confusion)) == pytest.approx(last, abs=1e-6)


def test_one_matrix_an_image_is_saved_with_its_name(trained: RunFolder, evaluation: Evaluation) -> None:
    folder = save(evaluation, trained)
    saved = np.load(folder / "confusion.npz")
    assert saved["confusions"].shape == (3, 19, 19)
    assert saved["names"].tolist() == evaluation.names
    assert saved["classes"].tolist() == list(evaluation.grouping.names)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["num_images"] == 3
    assert metrics["metrics"]["miou"] == pytest.approx(scores.mean(scores.class_iou(saved["confusions"].sum(0))))
    assert {"sheet.png", "confusion.png"} <= {path.name for path in folder.iterdir()}


def test_class_and_category_iou_equal_the_official_evaluator(trained: RunFolder, evaluation, tmp_path: Path) -> None:
    source, _ = build.source_of_run(trained, {})
    predictions = trained.evaluation("val") / "predictions"
    official = official_scores(source.folder, predictions, tmp_path / "official.json")
    names = evaluation.grouping.names
    for name, value in zip(names, scores.class_iou(evaluation.confusion), strict=True):
        assert official["classScores"][name] == pytest.approx(value, abs=1e-6, nan_ok=True), name
    categories, coarse = scores.merged(evaluation.confusion, evaluation.grouping.categories(evaluation.table))
    for name, value in zip(categories, scores.class_iou(coarse), strict=True):
        assert official["categoryScores"][name] == pytest.approx(value, abs=1e-6, nan_ok=True), name
    miou = scores.mean(scores.class_iou(evaluation.confusion))
    assert official["averageScoreClasses"] == pytest.approx(miou, abs=1e-6)
    assert official["averageScoreCategories"] == pytest.approx(scores.mean(scores.class_iou(coarse)), abs=1e-6)


def official_scores(root: Path, predictions: Path, written: Path) -> dict:
    """What cityscapesscripts says of predictions; it reads its folders from the environment when it is imported."""
    program = (
        "import numpy; numpy.in1d = numpy.isin;"  # removed in NumPy 2.4, still called by cityscapesscripts 2.3.0
        f"import {OFFICIAL} as official; official.args.exportFile = {str(written)!r}; official.args.quiet = True;"
        "official.args.groundTruthSearch = official.os.path.join(official.args.cityscapesPath, 'gtFine', 'val', '*',"
        " '*_gtFine_labelIds.png'); official.main()"
    )
    environment = {"CITYSCAPES_DATASET": str(root), "CITYSCAPES_RESULTS": str(predictions), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return json.loads(written.read_text())


def test_predictions_hold_one_picture_a_scene_and_nothing_else(trained: RunFolder, evaluation: Evaluation) -> None:
    written = {path.stem for path in (trained.evaluation("val") / "predictions").iterdir()}
    assert written == set(evaluation.names)


def test_another_place_of_the_data_can_be_given(trained: RunFolder, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    source, size = build.source_of_run(trained, {"root": str(moved)})
    assert source.folder.parent == moved
    assert size is None


def test_a_strangers_run_folder_builds_nothing_foreign(trained: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_environment(trained.environment)
    run.write_config({**trained.config, "model": {"_target_": "os.system", "command": "false"}})
    with pytest.raises(ValueError, match="wants to build 'os.system'"):
        evaluate(run, "val", "best", {}, 1, CPU, None)
    run.write_config({**trained.config, "data": {**trained.config["data"], "root": {"_target_": "os.getcwd"}}})
    with pytest.raises(ValueError, match=r"wants to build 'os.getcwd'"):
        build.source_of_run(run, {})
    run.write_environment({**trained.environment, "choices": {"data": "../../outside"}})
    with pytest.raises(ValueError, match="was trained on data='../../outside'; known:"):
        build.source_of_run(run, {})
