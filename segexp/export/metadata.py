"""The metadata that stands in every exported file: classes, colours, origin and scores."""

import segexp
from segexp.inference.model import TrainedNetwork
from segexp.run.folder import RunFolder
from segexp.types import VOID, Values, Weights


def collect_metadata(run: RunFolder, trained: TrainedNetwork, run_as_typed: str, checkpoint: str) -> Values:
    """Collect plain values, the same in every format.

    run_as_typed: path or URL, as the user wrote it. In the result, label_ids are the values of the classes in
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
        "run": run_as_typed,
        "checkpoint": checkpoint,
        "weights": trained.weights,
        "step": trained.step,
        "git_commit": git.get("commit"),
        "git_changed_files": len(git.get("changed_files", [])),
        "segexp": segexp.__version__,
        "scores": {
            name: each["metrics"] for name, each in evaluations_of_weights(run, trained.step, trained.weights).items()
        },
    }


def evaluations_of_weights(run: RunFolder, step: int, weights: Weights | None) -> dict[str, Values]:
    """Map each evaluation of these weights after this step to its metrics.json; see `RunFolder.own_scores`."""
    names = sorted(path.parent.name for path in run.path.glob("evaluation/*/metrics.json"))
    evaluations = {name: run.own_scores(name, step, weights) for name in names}
    return {name: each for name, each in evaluations.items() if each is not None}
