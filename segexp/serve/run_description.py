"""What a server knows of its run: the description that /api/classes answers with, and the mIoU of evaluated images."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from segexp.inference.model import TrainedNetwork
from segexp.metric.counts_file import is_of_evaluation, read_arrays
from segexp.metric.scores import image_miou
from segexp.run.earlier import evaluation_in_words_of_today
from segexp.run.folder import RunFolder
from segexp.serve.responses import ClassEntry, RunDescription, UploadLimits
from segexp.types import VOID, Values


def describe_run(
    name: str, run: RunFolder, trained: TrainedNetwork, evaluation: Values, split: str | None, limits: UploadLimits
) -> RunDescription:
    """Collect what clients may know about the run.

    name: the run's, as clients see it. evaluation: see `own_evaluation`. split: None for uploads only.
    """
    scores = evaluation.get("metrics", {})
    return RunDescription(
        run=name,
        model=str(run.environment.get("choices", {}).get("model") or run.config["model"]["_target_"]),
        grouping=trained.grouping.name,
        split=split,
        classes=[
            ClassEntry(id=number, name=entry.name, color=entry.color, iou=scores.get(f"iou/{entry.name}"))
            for number, entry in enumerate(trained.grouping.classes)
        ],
        miou=scores.get("miou"),
        weights=trained.weights,
        void=VOID,
        image_size=trained.image_size,
        limits=limits,
    )


def own_evaluation(run: RunFolder, split: str | None, trained: TrainedNetwork) -> Values:
    """The metrics.json of the run's evaluation; empty if that was of other weights or classes than are served."""
    if split is None or not (run.evaluation(split) / "metrics.json").is_file():
        return {}
    try:
        evaluation = run.own_scores(split, trained.step, trained.weights)
        if evaluation is not None:
            return evaluation
        print(f"no scores shown: {run.evaluation(split)} {_mismatch(run.scores(split), trained)}; evaluate again")
    except ValueError as error:
        print(f"no scores shown: {error}")
    return {}


def _mismatch(evaluation: Values, trained: TrainedNetwork) -> str:
    """Why an evaluation is not that of the served network, in words."""
    if (coarser_than := evaluation.get("regrouped_from")) is not None:
        return f"is of other classes: it was regrouped from the evaluation {coarser_than}"
    if (step := evaluation.get("step")) != trained.step:
        return f"is of other weights, those after step {step}, and those after step {trained.step} are served"
    evaluated, served = evaluation.get("weights", "averaged"), trained.weights or "averaged"
    return f"is of other weights, the {evaluated} ones, and the {served} ones are served"


def evaluated_miou(run: RunFolder, split: str | None, trained: TrainedNetwork, evaluation: Values) -> dict[str, float]:
    """Mean IoU of each image by name, from the confusion matrices of this evaluation; empty where there are none.

    evaluation: see `own_evaluation`. Images without a scored pixel are left out.
    """
    if split is None or not evaluation or not (run.evaluation(split) / "confusion.npz").is_file():
        return {}
    try:
        names, confusions = _image_confusions(run.evaluation(split) / "confusion.npz", trained, evaluation)
    except ValueError as error:
        print(f"no mIoU of single images shown: {error}")
        return {}
    miou = image_miou(confusions.astype(np.int64, copy=False))
    return {str(name): float(value) for name, value in zip(names, miou, strict=True) if not np.isnan(value)}


def _image_confusions(path: Path, trained: TrainedNetwork, evaluation: Values) -> tuple[npt.NDArray, npt.NDArray]:
    """Names [N], and confusion matrices [N, C, C] of the same images. Raises ValueError for others."""
    stored = read_arrays(path, "names", "settings", "confusions")
    names, confusions = stored.get("names", np.empty(0)).ravel(), stored.get("confusions", np.empty(0))
    num_classes = trained.grouping.num_classes
    if confusions.shape != (len(names), num_classes, num_classes) or confusions.dtype.kind not in "iu":
        raise ValueError(f"{path} holds no confusion matrix of {num_classes} classes for each image; evaluate again")
    facts = evaluation_in_words_of_today(evaluation)
    if "settings" in stored and not is_of_evaluation(str(stored["settings"]), facts):
        raise ValueError(f"{path} and metrics.json beside it are of two evaluations; evaluate again")
    return names, confusions
