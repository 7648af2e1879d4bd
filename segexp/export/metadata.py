"""The metadata that stands in every exported file: classes, colours, origin and scores."""

from torch import Tensor

import segexp
from segexp.export.interface import Interface
from segexp.export.settings import ExportSettings
from segexp.inference.model import TrainedNetwork
from segexp.run.folder import RunFolder
from segexp.types import VOID, Values, Weights


def collect_metadata(run: RunFolder, trained: TrainedNetwork, settings: ExportSettings, interface: Interface) -> Values:
    """Collect plain values, the same in every format.

    In the result, run is its path or URL, as the user wrote it, mean and std are those of the normalisation per
    channel, in units of 0..1, label_ids are the values of the classes in
    mask files, image_size is [H, W] of the training, None for native, and scores are those of `evaluations_of_weights`.
    """
    git = run.environment.get("git") or {}
    return {
        "classes": list(trained.grouping.names),
        "colors": trained.grouping.colors.tolist(),
        "label_ids": trained.grouping.mask_values(trained.table).tolist(),
        "void": VOID,
        "grouping": trained.grouping.name,
        "labels_of": trained.table.name,
        "image_size": list(trained.image_size) if trained.image_size else None,
        "input": interface.input,
        "result": interface.result,
        "fixed_size": list(interface.fixed_size) if interface.fixed_size else None,
        "opset": settings.opset,
        "mean": _as_list(interface.mean),
        "std": _as_list(interface.std),
        "run": settings.run,
        "checkpoint": settings.checkpoint,
        "weights": trained.weights,
        "step": trained.step,
        "git_commit": git.get("commit"),
        "git_changed_files": len(git.get("changed_files", [])),
        "segexp": segexp.__version__,
        "scores": {
            name: each["metrics"] for name, each in evaluations_of_weights(run, trained.step, trained.weights).items()
        },
    }


def _as_list(channels: Tensor | None) -> list[float] | None:
    return None if channels is None else [float(f"{each:.7g}") for each in channels.flatten().tolist()]


def evaluations_of_weights(run: RunFolder, step: int, weights: Weights | None) -> dict[str, Values]:
    """Map each evaluation of these weights after this step to its metrics.json; see `RunFolder.own_scores`."""
    names = sorted(path.parent.name for path in run.path.glob("evaluation/*/metrics.json"))
    evaluations = {name: run.own_scores(name, step, weights) for name in names}
    return {name: each for name, each in evaluations.items() if each is not None}
