"""The Cityscapes submission, and the comparison of our figures with those of the official evaluator."""

import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from math import isnan
from pathlib import Path
from typing import Any

from PIL import Image

from segexp.data.cityscapes import CITYSCAPES
from segexp.data.reading import read_mask
from segexp.evaluate.result import Evaluation
from segexp.evaluate.split import EvaluationJob
from segexp.metric.cityscapes import official_scores
from segexp.system.files import partial_file, write_atomic, write_errors_explained

TOLERANCE = 1e-6
INSTANCES_NEEDED = "benchmark=true needs *_instanceIds.png beside every *_labelIds.png, as in the download"
Figures = dict[str, dict[str, float]]


def check_submission(job: EvaluationJob) -> None:
    """Raise ValueError, before anything is evaluated, if a submission cannot be written or compared."""
    task, split = job.task, job.facts["split"]
    if task.table != CITYSCAPES:
        raise ValueError(
            f"benchmark=true writes a Cityscapes submission; the data of this run has {task.table.name} labels"
        )
    if split != "test" and importlib.util.find_spec("cityscapesscripts") is None:
        raise ValueError("benchmark=true needs the official evaluator: pip install 'segexp[benchmark]'")
    without = [pair.mask for pair in task.pairs if pair.instances is None or not pair.instances.is_file()]
    if split != "test" and without:
        raise ValueError(f"{INSTANCES_NEEDED}; there is none beside {without[0]}")


def write_submission(evaluation: Evaluation, folder: Path) -> None:
    """Write submission.zip and, where the split has a ground truth and the evaluator agrees with us, official.json.

    Raises ValueError naming figures that differ by more than TOLERANCE.
    """
    predictions = folder / "predictions"
    path = folder / "submission.zip"
    stored = zipfile.ZIP_STORED  # PNG is compressed already
    with partial_file(path) as part, write_errors_explained(path), zipfile.ZipFile(part, "w", stored) as archive:
        for name in evaluation.names:  # as the server expects them: CITY_SEQUENCE_FRAME.png, label ids at native size
            archive.writestr(f"{name}.png", _without_palette(predictions / f"{name}.png"))
    if "objects" not in evaluation.counts and evaluation.facts["split"] == "test":
        return
    ours = official_figures(evaluation)
    if all(isnan(value) for value in ours["classScores"].values()):
        return  # only the server has the ground truth of the test split
    theirs = _run_official_evaluator(evaluation, predictions)
    _refuse_difference(ours, theirs)
    averages = {key: value for key, value in theirs.items() if key.startswith("averageScore")}
    known = {kind: {key: value for key, value in each.items() if not isnan(value)} for kind, each in ours.items()}
    write_atomic(folder / "official.json", json.dumps({**averages, **known}, indent=2))


def _without_palette(path: Path) -> bytes:
    content = io.BytesIO()
    Image.fromarray(read_mask(path)).save(content, "png")
    return content.getvalue()


def official_figures(evaluation: Evaluation) -> Figures:
    """Compute `official_scores` of an evaluation. Raises ValueError without instances, which iIoU needs."""
    if "objects" not in evaluation.counts:
        raise ValueError(INSTANCES_NEEDED)
    labels, objects = (evaluation.counts[name].sum(0) for name in ("labels", "objects"))
    return official_scores(labels, objects, evaluation.grouping, evaluation.table)


def _refuse_difference(ours: Figures, theirs: dict[str, Any]) -> None:
    differing = [
        f"{kind} of {name}: {value} here, {theirs[kind][name]} there"
        for kind, values in ours.items()
        for name, value in values.items()
        if not _agree(value, theirs[kind][name])
    ]
    if differing:
        raise ValueError(f"the official evaluator disagrees on {len(differing)} figures: {'; '.join(differing[:5])}")


def _agree(ours: float, theirs: float) -> bool:
    return (isnan(ours) and isnan(theirs)) or abs(ours - theirs) <= TOLERANCE


def _run_official_evaluator(evaluation: Evaluation, predictions: Path) -> dict[str, Any]:
    masks = dict(zip(evaluation.names, evaluation.files["masks"], strict=True))
    files = {"predictions": [str(predictions / f"{name}.png") for name in masks], "masks": list(masks.values())}
    with tempfile.TemporaryDirectory() as folder:
        request, answer = Path(folder) / "request.json", Path(folder) / "answer.json"
        request.write_text(json.dumps(files))
        command = [sys.executable, "-W", "ignore", "-m", "segexp.evaluate.official", str(request), str(answer)]
        process = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | {"CITYSCAPES_DATASET": folder}
        )
        if process.returncode or not answer.is_file():
            raise ValueError(f"the official evaluator failed: {(process.stdout + process.stderr).strip()[-500:]}")
        return json.loads(answer.read_text())
