"""Scores under a coarser grouping, from stored counts: no network, no images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from segexp.classes import Grouping, LabelTable
from segexp.evaluate.result import Evaluation
from segexp.metric.counts_file import is_of_evaluation, read_arrays
from segexp.metric.metric import Metric
from segexp.metric.scores import merge_labels
from segexp.run.folder import RunFolder
from segexp.types import VOID, Counts, Values

REQUIRED_ARRAYS = ("labels", "names", "images", "masks")


def regroup(
    run: RunFolder,
    name: str,
    grouping: Grouping,
    coarser: Grouping,
    table: LabelTable,
    metrics: Mapping[str, Metric],
) -> Evaluation:
    """Score a stored evaluation of the run as if its network had been asked for the classes of `coarser`.

    name: of the evaluation. grouping: of the run. True labels are regrouped by themselves: pixels that were void for
    the run count if `coarser` scores them. metrics: those that need more than the counts of labels give no scores.
    Raises FileNotFoundError if there is no such evaluation. Raises ValueError if a class of the run is not part of
    exactly one coarser class; if the evaluation was itself regrouped, because its counts are not of the run's classes;
    if its weights are older than the end of the training; if its labels are not the run's; if its files are damaged.
    """
    folder = run.evaluation(name)
    command = f"python -m segexp.evaluate run={run.path} split=..."
    if not (folder / "confusion.npz").is_file():
        raise FileNotFoundError(f"no evaluation {name} to regroup in {run.path}; first: {command}")
    facts = run.scores(name)
    if facts.get("regrouped_from") is not None:
        raise ValueError(f"{folder} was itself regrouped; start from name={facts['regrouped_from']}")
    if facts.get("trained_until") not in (None, run.status().get("time")):
        raise ValueError(f"{folder} was evaluated before its training was resumed; first: {command}")
    stored = read_arrays(folder / "confusion.npz", "settings", "label_names", *REQUIRED_ARRAYS)
    missing = [key for key in REQUIRED_ARRAYS if key not in stored]
    if missing:
        raise ValueError(f"{folder / 'confusion.npz'} has no {', '.join(missing)}; first: {command}")
    if "settings" in stored and not is_of_evaluation(str(stored["settings"]), facts):
        raise ValueError(f"{folder}: confusion.npz and metrics.json are of two evaluations; first: {command}")
    if _has_other_labels(stored, facts, grouping, table):
        raise ValueError(f"{folder} was evaluated with other labels than the run's, so it cannot be regrouped")
    labels = _merged_counts(stored["labels"].astype(np.int64), grouping, coarser)
    class_of_label = coarser.lookup(table)[table.mask_values()]
    counts = {"labels": labels, "confusions": merge_labels(labels, class_of_label, coarser.num_classes)}
    files = {key: stored[key].tolist() for key in ("images", "masks")}
    return Evaluation(
        coarser, table, stored["names"].tolist(), files, counts, metrics, _facts(facts, coarser, table, name)
    )


def _has_other_labels(
    stored: dict[str, npt.NDArray[Any]], facts: Values, grouping: Grouping, table: LabelTable
) -> bool:
    """Whether other names or ids were given by +data.labels=...; counts are in the order of the names."""
    names, ids = [label.name for label in table.labels], [list(each) for each in grouping.label_ids(table)]
    return stored.get("label_names", np.array(names)).tolist() != names or facts.get("label_ids", ids) != ids


def _facts(facts: Values, coarser: Grouping, table: LabelTable, name: str) -> Values:
    kept = {
        key: value
        for key, value in facts.items()
        if key not in ("metrics", "boundary_width", "scored_classes", "official")
    }
    return kept | {"regrouped_from": name, "label_ids": [list(ids) for ids in coarser.label_ids(table)]}


def _merged_counts(counts: Counts, grouping: Grouping, coarser: Grouping) -> Counts:
    """Sum predicted classes to coarser ones: [N, L, C] -> [N, L, C coarser]."""
    class_of_label = {label: index for index, each in enumerate(coarser.classes) for label in each.labels}
    member = np.zeros((grouping.num_classes, coarser.num_classes), np.int64)
    for index, each in enumerate(grouping.classes):
        coarser_classes = {class_of_label.get(label, VOID) for label in each.labels} - {VOID}
        if len(coarser_classes) != 1:
            names = [coarser.names[number] for number in sorted(coarser_classes)] or "none"
            raise ValueError(
                f"class {each.name!r} of {grouping.name} is part of {names} of {coarser.name}; "
                "to regroup, each class must be part of exactly one"
            )
        member[index, coarser_classes.pop()] = 1
    return counts @ member
