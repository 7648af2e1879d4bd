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

from segexp.display.confusion_heatmap import confusion_heatmap
from segexp.display.learning_curves import learning_curves
from segexp.display.pictures import save
from segexp.display.scene_sheet import scene_sheet
from segexp.evaluate.result import Evaluation
from segexp.metric.scores import class_iou
from segexp.run.earlier import evaluation_in_words_of_today
from segexp.run.evaluation_conditions import CONDITIONS
from segexp.run.folder import RunFolder
from segexp.system.files import write_atomic
from segexp.system.lock import exclusive_folder
from segexp.types import Values

SCORE_SETTINGS = ("split", *CONDITIONS, "metric", "regrouped_from")
"""Facts that scores depend on."""


def lock_evaluation(folder: Path) -> AbstractContextManager[None]:
    """Keep other evaluations out of the folder; see `exclusive_folder`."""
    return exclusive_folder(
        folder,
        "being evaluated by another process; wait or choose another name=",
        "make it writable, or copy the run folder to where you may write, and set run= to that",
    )


def settings_as_json(facts: Values) -> str:
    """Facts that scores depend on, and the step of the weights; equal in files that belong together."""
    settings = _score_settings(facts)
    for key in ("weights", "bit_depth", "window_unit"):
        if settings[key] is None:  # the default, which evaluations of earlier versions do not name
            del settings[key]
    return json.dumps(settings, sort_keys=True)


def arrays_to_store(evaluation: Evaluation) -> dict[str, npt.NDArray]:
    """The arrays of confusion.npz by name."""
    arrays: dict[str, Any] = {
        **evaluation.counts,
        "labels": evaluation.counts["labels"].astype(np.int32),
        "names": evaluation.names,
        "classes": evaluation.grouping.names,
        "label_names": [label.name for label in evaluation.table.labels],
        "settings": settings_as_json(evaluation.facts),
        **evaluation.files,
    }
    return {key: np.asarray(value) for key, value in arrays.items() if value is not None}


def remove_outdated(folder: Path, facts: Values) -> None:
    """Remove the files of an evaluation with other settings or weights, but for its scores, and what was regrouped."""
    settings = _score_settings(facts)
    _remove_outdated_regroupings(folder, settings)
    if _stored_settings(folder) in (None, settings):
        return
    shutil.rmtree(folder / "predictions", ignore_errors=True)
    for name in ("submission.zip", "official.json", "sheet.png", "confusion.png"):
        (folder / name).unlink(missing_ok=True)


def _remove_outdated_regroupings(folder: Path, settings: Values) -> None:
    unrelated = {key: settings[key] for key in ("regrouped_from", "metric")}  # to regrouped scores
    for path in sorted(folder.parent.glob("*/metrics.json")):
        stored = _stored_settings(path.parent)
        if stored and stored["regrouped_from"] == folder.name and stored | unrelated != settings:
            print(f"removed {path.parent}: it was regrouped from the evaluation that is replaced")
            shutil.rmtree(path.parent)


def save_evaluation(evaluation: Evaluation, run: RunFolder, folder: Path) -> None:
    """Write confusion.npz, metrics.json and pictures into a folder of run.evaluation()."""
    save_scores(evaluation, folder)
    save_pictures(evaluation, run, folder)


def replace_scores(evaluation: Evaluation, folder: Path) -> None:
    """Write confusion.npz and metrics.json, and remove what an earlier evaluation left."""
    remove_outdated(folder, evaluation.facts)
    save_scores(evaluation, folder)


def save_scores(evaluation: Evaluation, folder: Path) -> None:
    """Write confusion.npz and metrics.json."""
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays_to_store(evaluation))  # type: ignore[arg-type]
    write_atomic(folder / "confusion.npz", archive.getvalue())
    metrics = {name: None if isnan(value) else value for name, value in evaluation.scores().items()}
    facts = {**evaluation.facts, "scored_classes": evaluation.classes._asdict(), "metrics": metrics}
    text = json.dumps(facts, indent=2, allow_nan=False)
    write_atomic(folder / "metrics.json", text)


def save_pictures(evaluation: Evaluation, run: RunFolder, folder: Path) -> None:
    names, colors = evaluation.grouping.names, evaluation.grouping.colors
    if evaluation.sheet_rows:
        title = _sheet_title(evaluation, folder)
        save(scene_sheet(evaluation.sheet_rows, names, colors, title), folder / "sheet.png")
    confusion = evaluation.confusion
    save(confusion_heatmap(confusion, class_iou(confusion), names), folder / "confusion.png")
    if not evaluation.facts.get("regrouped_from"):  # the curves are of the classes of the training
        save(learning_curves(run.history(), run.path.name, names), run.pictures / "learning_curves.png")


def _sheet_title(evaluation: Evaluation, folder: Path) -> str:
    shown, number = len(evaluation.sheet_rows), len(evaluation.names)
    which = f"the worst {shown - shown // 2} and the best {shown // 2}" if 1 < shown < number else f"{shown}"
    return f"{folder.name}: {which} of {number} images, by the mean IoU of each"


def refuse_other_settings(folder: Path, facts: Values, overwrite: bool) -> None:
    """Raise FileExistsError if the folder holds an evaluation with other settings, and may not be overwritten.

    The same evaluation with further metrics loses nothing, and may take its place.
    """
    stored = _stored_settings(folder)
    differing = {key: stored[key] for key in SCORE_SETTINGS if stored[key] != facts.get(key)} if stored else {}
    if differing.keys() == {"metric"} and _contains(facts["metric"], differing["metric"]):
        return
    if differing and not overwrite:
        before, now = _as_typed(differing), _as_typed({key: facts.get(key) for key in differing})
        keys = sorted(before.keys() | now.keys())
        stored_words, asked_words = (
            ", ".join(f"{key}={settings.get(key, 'null')}" for key in keys) for settings in (before, now)
        )
        raise FileExistsError(
            f"{folder} already has an evaluation with {stored_words}, and this one has {asked_words}; "
            "add name=ANOTHER to keep both, or overwrite=true"
        )


def is_evaluated(folder: Path, facts: Values) -> bool:
    """Whether the folder holds this very evaluation: of these settings, images and weights."""
    return (folder / "confusion.npz").is_file() and _stored_settings(folder) == _score_settings(facts)


def _as_typed(facts: Values) -> dict[str, str]:
    """Key -> value as both are typed; a key of inference that has its default is not there."""
    inference = facts.get("inference") or {}
    settings = {key: value for key, value in facts.items() if key != "inference"} | inference
    return {key: json.dumps(value, separators=(",", ":")).replace('"', "") for key, value in settings.items()}


def _contains(metrics: Values, stored: Values | None) -> bool:
    return all(name in metrics and metrics[name] == settings for name, settings in (stored or {}).items())


def _stored_settings(folder: Path) -> Values | None:
    """Score settings, and the step of the weights, of the evaluation in the folder; None if there is none."""
    try:
        stored = json.loads((folder / "metrics.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return _score_settings(evaluation_in_words_of_today(stored)) if isinstance(stored, dict) else None


def _score_settings(facts: Values) -> Values:
    return {key: facts.get(key) for key in (*SCORE_SETTINGS, "step")}
