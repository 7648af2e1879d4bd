"""The Cityscapes submission, and our figures held against those of the official evaluator."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from math import isnan
from pathlib import Path
from typing import Any

from segexp.classes import CITYSCAPES
from segexp.evaluate.result import Evaluation
from segexp.evaluate.split import Prepared
from segexp.metric.cityscapes import official_scores
from segexp.system.files import write_whole

TOLERANCE = 1e-6
NEEDED = "benchmark=true needs *_instanceIds.png beside every *_labelIds.png, as in the download"


def refuse_unfit(prepared: Prepared) -> None:
    """Raise ValueError, before anything is evaluated, where there can be no submission or nobody to hold it against."""
    job, split = prepared.job, prepared.facts["split"]
    if job.table != CITYSCAPES:
        raise ValueError(
            f"benchmark=true writes a Cityscapes submission; the data of this run has {job.table.name} labels"
        )
    if split != "test" and importlib.util.find_spec("cityscapesscripts") is None:
        raise ValueError("benchmark=true needs the official evaluator: pip install 'segexp[benchmark]'")
    without = [pair.mask for pair in job.pairs if pair.instances is None or not pair.instances.is_file()]
    if split != "test" and without:
        raise ValueError(f"{NEEDED}; there is none beside {without[0]}")


def write(evaluation: Evaluation, folder: Path) -> None:
    """Write submission.zip and, where the split has truth and the evaluator agrees with us, official.json.

    Raises ValueError naming figures that differ by more than TOLERANCE.
    """
    predictions = folder / "predictions"
    partial = folder / ".submission.zip"
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:  # PNG is compressed already
        for name in evaluation.names:  # as the server wants them: CITY_SEQUENCE_FRAME.png, label ids at native size
            archive.write(predictions / f"{name}.png", f"{name}.png")
    partial.replace(folder / "submission.zip")
    if evaluation.instances is None and evaluation.facts["split"] == "test":
        return
    figures = official_figures(evaluation)
    if all(isnan(value) for value in figures["classScores"].values()):
        return  # the truth of the test split is the server's alone
    theirs = _official(evaluation, predictions)
    _refuse_difference(figures, theirs)
    averages = {key: value for key, value in theirs.items() if key.startswith("averageScore")}
    known = {kind: {key: value for key, value in each.items() if not isnan(value)} for kind, each in figures.items()}
    write_whole(folder / "official.json", json.dumps({**averages, **known}, indent=2))


def _refuse_difference(ours: dict[str, dict[str, float]], theirs: dict[str, Any]) -> None:
    differing = [
        f"{kind} of {name}: {value} here, {theirs[kind][name]} there"
        for kind, values in ours.items()
        for name, value in values.items()
        if not _agree(value, theirs[kind][name])
    ]
    if differing:
        raise ValueError(f"the official evaluator disagrees on {len(differing)} figures: {'; '.join(differing[:5])}")


def official_figures(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    """See `official_scores`; without instances there are no iIoU."""
    counts = evaluation.label_counts.sum(0)
    if evaluation.instances is None:
        raise ValueError(NEEDED)
    return official_scores(counts, evaluation.instances[:, 1:], evaluation.grouping, evaluation.table)


def _official(evaluation: Evaluation, predictions: Path) -> dict[str, Any]:
    masks = dict(zip(evaluation.names, evaluation.files["masks"], strict=True))
    request = {"predictions": [str(predictions / f"{name}.png") for name in masks], "masks": list(masks.values())}
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "request.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(request))
        command = [sys.executable, "-W", "ignore", "-m", "segexp.evaluate.official", str(asked), str(answer)]
        finished = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | {"CITYSCAPES_DATASET": folder}
        )
        if finished.returncode or not answer.is_file():
            raise ValueError(f"the official evaluator failed: {(finished.stdout + finished.stderr).strip()[-500:]}")
        return json.loads(answer.read_text())


def _agree(ours: float, theirs: float) -> bool:
    return (isnan(ours) and isnan(theirs)) or abs(ours - theirs) <= TOLERANCE
