"""What an exported file tells of itself."""

from typing import Any

import segexp
from segexp.inference.model import Trained
from segexp.run.folder import RunFolder
from segexp.types import VOID

Facts = dict[str, Any]


def facts(run: RunFolder, found: Trained, place: str, checkpoint: str) -> Facts:
    """Plain values, the same in every format.

    place: of the run, as the user wrote it. label_ids: what each class is written as in mask files. image_size: [H, W]
    of the training, None for native. scores: see `own_scores`.
    """
    git = run.environment.get("git") or {}
    return {
        "classes": list(found.grouping.names),
        "colors": found.grouping.colors.tolist(),
        "label_ids": found.grouping.written_ids(found.table).tolist(),
        "void": VOID,
        "grouping": found.grouping.name,
        "labels_of": found.table.name,
        "image_size": list(found.image_size) if found.image_size else None,
        "run": place,
        "checkpoint": checkpoint,
        "step": found.step,
        "git_commit": git.get("commit"),
        "git_changed_files": len(git.get("changed_files", [])),
        "segexp": segexp.__version__,
        "scores": {name: each["metrics"] for name, each in own_scores(run, found.step).items()},
    }


def own_scores(run: RunFolder, step: int) -> dict[str, Facts]:
    """Evaluation -> its metrics.json; see `RunFolder.own_scores`."""
    names = sorted(path.parent.name for path in run.path.glob("evaluation/*/metrics.json"))
    found = {name: run.own_scores(name, step) for name in names}
    return {name: each for name, each in found.items() if each is not None}
