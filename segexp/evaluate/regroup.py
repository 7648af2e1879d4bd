"""Scores under a coarser grouping, from stored counts: no network, no images."""

from typing import Any

import numpy as np
import numpy.typing as npt

from segexp.classes import Grouping, LabelTable
from segexp.evaluate.files import settings
from segexp.evaluate.result import Evaluation
from segexp.metric.stored import arrays
from segexp.run.folder import RunFolder
from segexp.types import VOID, Counts

NEEDED = ("labels", "names", "images", "masks")


def regrouped(run: RunFolder, name: str, ours: Grouping, wanted: Grouping, table: LabelTable) -> Evaluation:
    """A stored evaluation of the run as if its network had been asked for the classes of `wanted`.

    name: of the evaluation. ours: grouping of the run. True labels are regrouped by themselves: pixels that were void
    for the run count if `wanted` scores them. Boundaries, calibration and iIoU cannot be had from
    counts.
    Raises FileNotFoundError if there is no such evaluation, ValueError if a class is no part of one wanted, or if the
    evaluation was itself regrouped: its counts are not of the classes of the run; if it is of weights before the
    training went on, or of other labels than the run's; or if its files are damaged.
    """
    folder = run.evaluation(name)
    cure = f"python -m segexp.evaluate run={run.path} split=..."
    if not (folder / "confusion.npz").is_file():
        raise FileNotFoundError(f"no evaluation {name} to regroup in {run.path}; first: {cure}")
    facts = run.scores(name)
    if facts.get("regrouped_from") is not None:
        raise ValueError(f"{folder} was itself regrouped; start from name={facts['regrouped_from']}")
    if facts.get("trained_until") not in (None, run.status().get("time")):
        raise ValueError(f"{folder} was evaluated before its training went on; first: {cure}")
    stored = arrays(folder / "confusion.npz", "settings", "label_names", *NEEDED)
    missing = [key for key in NEEDED if key not in stored]
    if missing:
        raise ValueError(f"{folder / 'confusion.npz'} was written without {', '.join(missing)}; first: {cure}")
    if "settings" in stored and str(stored["settings"]) != settings(facts):
        raise ValueError(f"{folder}: confusion.npz and metrics.json are of two evaluations; first: {cure}")
    if _has_other_labels(stored, facts, ours, table):
        raise ValueError(f"{folder} was evaluated with labels that are not the run's, which cannot be regrouped")
    counts, names = stored["labels"].astype(np.int64), stored["names"].tolist()
    files = {key: stored[key].tolist() for key in ("images", "masks")}
    return Evaluation(wanted, table, names, files, _merged(counts, ours, wanted), _facts(facts, wanted, table, name))


def _has_other_labels(
    stored: dict[str, npt.NDArray[Any]], facts: dict[str, Any], ours: Grouping, table: LabelTable
) -> bool:
    """Whether other names or ids were given by +data.labels=...; counts are in the order of the names."""
    names, ids = [label.name for label in table.labels], [list(each) for each in ours.label_ids(table)]
    return stored.get("label_names", np.array(names)).tolist() != names or facts.get("label_ids", ids) != ids


def _facts(facts: dict[str, Any], wanted: Grouping, table: LabelTable, name: str) -> dict[str, Any]:
    kept = {key: value for key, value in facts.items() if key not in ("metrics", "boundary_width", "official")}
    return kept | {"regrouped_from": name, "label_ids": [list(ids) for ids in wanted.label_ids(table)]}


def _merged(counts: Counts, ours: Grouping, wanted: Grouping) -> Counts:
    """Predicted classes summed to those wanted: [N, L, C] -> [N, L, C wanted]."""
    class_of_label = {label: number for number, each in enumerate(wanted.classes) for label in each.labels}
    member = np.zeros((ours.num_classes, wanted.num_classes), np.int64)
    for number, each in enumerate(ours.classes):
        parts = {class_of_label.get(label, VOID) for label in each.labels} - {VOID}
        if len(parts) != 1:
            found = [wanted.names[part] for part in sorted(parts)] or "none"
            raise ValueError(
                f"class {each.name!r} of {ours.name} is part of {found} of {wanted.name}; "
                "to regroup, each class must be part of exactly one"
            )
        member[number, parts.pop()] = 1
    return counts @ member
