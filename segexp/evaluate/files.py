"""An evaluation on disk: evaluation/NAME/ of a run folder."""

import io
import json
import shutil
from contextlib import AbstractContextManager
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segexp.display import pictures
from segexp.evaluate.result import Evaluation
from segexp.run.folder import RunFolder
from segexp.system.files import write_whole
from segexp.system.lock import alone_in

SETTINGS = ("split", "checkpoint", "image_size", "fingerprint", "inference", "boundary_width", "regrouped_from")
"""Facts that scores depend on."""


def locked(folder: Path) -> AbstractContextManager[None]:
    """Keeps other evaluations out of the folder; see `alone_in`."""
    return alone_in(
        folder,
        "being evaluated by another process; wait or choose another name=",
        "make it writable, or copy the run folder to where you may write, and set run= to that",
    )


def settings(facts: dict[str, Any]) -> str:
    """What scores depend on, and the step of the weights, as JSON: alike in files that belong together."""
    return json.dumps(_settings(facts), sort_keys=True)


def arrays(evaluation: Evaluation) -> dict[str, npt.NDArray]:
    """What confusion.npz holds."""
    found: dict[str, Any] = {
        "confusions": evaluation.confusions,
        "names": evaluation.names,
        "classes": evaluation.grouping.names,
        "labels": evaluation.label_counts.astype(np.int32),
        "label_names": [label.name for label in evaluation.table.labels],
        "boundary": evaluation.boundary,
        "calibration": evaluation.calibration,
        "instances": evaluation.instances,
        "settings": settings(evaluation.facts),
        **evaluation.files,
    }
    return {key: np.asarray(value) for key, value in found.items() if value is not None}


def forget_another(folder: Path, facts: dict[str, Any]) -> None:
    """Remove what an evaluation made otherwise, or of other weights, left beside its scores, and what was regrouped."""
    ours = _settings(facts)
    _forget_regrouped(folder, ours)
    if _told(folder) in (None, ours):
        return
    shutil.rmtree(folder / "predictions", ignore_errors=True)
    for name in ("submission.zip", "official.json", "sheet.png", "confusion.png"):
        (folder / name).unlink(missing_ok=True)


def _forget_regrouped(folder: Path, ours: dict[str, Any]) -> None:
    same = {key: ours[key] for key in ("regrouped_from", "boundary_width")}  # of no account to what was regrouped
    for path in sorted(folder.parent.glob("*/metrics.json")):
        told = _told(path.parent)
        if told and told["regrouped_from"] == folder.name and told | same != ours:
            print(f"removed {path.parent}: it was regrouped from the evaluation that is replaced")
            shutil.rmtree(path.parent)


def save(evaluation: Evaluation, run: RunFolder, folder: Path) -> None:
    """Write confusion.npz, metrics.json and pictures into a folder of run.evaluation()."""
    save_scores(evaluation, folder)
    save_pictures(evaluation, run, folder)


def replace_scores(evaluation: Evaluation, folder: Path) -> None:
    """Write confusion.npz and metrics.json, in place of another evaluation with all that it left."""
    forget_another(folder, evaluation.facts)
    save_scores(evaluation, folder)


def save_scores(evaluation: Evaluation, folder: Path) -> None:
    matrices = io.BytesIO()
    np.savez_compressed(matrices, **arrays(evaluation))  # type: ignore[arg-type]
    write_whole(folder / "confusion.npz", matrices.getvalue())
    metrics = {name: None if isnan(value) else value for name, value in evaluation.scores().items()}
    told = json.dumps({**evaluation.facts, "metrics": metrics}, indent=2, allow_nan=False)
    write_whole(folder / "metrics.json", told)


def save_pictures(evaluation: Evaluation, run: RunFolder, folder: Path) -> None:
    names, colors = evaluation.grouping.names, evaluation.grouping.colors
    if evaluation.scenes:
        pictures.save(pictures.sheet(evaluation.scenes, names, colors), folder / "sheet.png")
    pictures.save(pictures.confusion_heatmap(evaluation.confusion, names), folder / "confusion.png")
    pictures.save(pictures.learning_curves(run.history()), run.pictures / "learning_curves.png")


def refuse_another(folder: Path, facts: dict[str, Any], overwrite: bool) -> None:
    """Raise FileExistsError if the folder holds an evaluation that was made otherwise, and may not be overwritten."""
    stored = _told(folder)
    others = {key: stored[key] for key in SETTINGS if stored[key] != facts.get(key)} if stored else {}
    if others and not overwrite:
        told = "; ".join(f"{key} {value} instead of {facts.get(key)}" for key, value in others.items())
        raise FileExistsError(
            f"{folder} holds an evaluation made otherwise: {told}; keep both by name=ANOTHER, or add overwrite=true"
        )


def _told(folder: Path) -> dict[str, Any] | None:
    """Settings, and the step of the weights, of the evaluation in the folder; None if there is none."""
    path = folder / "metrics.json"
    try:
        stored = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return _settings(stored) if isinstance(stored, dict) else None


def _settings(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: facts.get(key) for key in (*SETTINGS, "step")}
