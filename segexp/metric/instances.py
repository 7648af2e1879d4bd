"""iIoU: IoU in which every object weighs as much as an average one, from the pixels found of each."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segexp.classes import Grouping, LabelTable
from segexp.metric.scores import Confusion
from segexp.types import Counts, Floats

AVERAGE_PIXELS = {
    "person": 3462.4756337644,
    "rider": 3930.4788056518,
    "car": 12794.0202738185,
    "truck": 27855.1264367816,
    "bus": 35732.1511111111,
    "caravan": 36771.8241758242,
    "trailer": 16926.9763313609,
    "train": 67583.7075812274,
    "motorcycle": 6298.7200839748,
    "bicycle": 4672.3249222261,
}
"""Average size of an object of each label, in pixels: constants of the Cityscapes benchmark's evaluator."""
LABEL, PIXELS, IN_CLASS, IN_CATEGORY = range(4)


def instance_counts(
    ids: npt.NDArray, predicted: npt.NDArray[np.uint8], grouping: Grouping, table: LabelTable
) -> Counts:
    """A row for each object of an image: label id, pixels, of them predicted as its class, and as its category.

    ids: of the objects, [H, W]: label * 1000 + number; below 1000 there are none. predicted: train ids, uint8 [H, W].
    """
    inside = ids > 1000
    ids, predicted = ids[inside].astype(np.int64), predicted[inside]
    label = ids // 1000
    categories = _numbered([each.category for each in table.labels])
    of_label = np.full(256, -1)
    of_label[table.written_ids()] = categories
    of_class = of_label[grouping.written_ids(table)]
    in_class = grouping.lookup(table)[label] == predicted
    in_category = of_label[label] == of_class[predicted]
    pixels, *found = (np.bincount(each, minlength=2**16) for each in (ids, ids[in_class], ids[in_category]))
    present = np.flatnonzero(pixels)
    return np.stack([present // 1000, pixels[present], *(each[present] for each in found)], -1)


def instance_iou(
    confusion: Confusion, instances: Counts, group_of_label: Sequence[int], table: LabelTable, column: int = IN_CLASS
) -> Floats:
    """iIoU of each group of labels, iTP / (iTP + FP + iFN), [C]: Cordts et al. 2016, arXiv:1604.01685, section 4.1.

    confusion: of the groups. instances: rows of `instance_counts`. group_of_label: number of the group of each label of
    the table, -1 for none. column: whether an object is found by its class or by its category.
    NaN for groups with labels that have no instances, and where there is nothing at all.
    """
    found, missed = np.zeros(len(confusion)), np.zeros(len(confusion))
    has_instances = np.ones(len(confusion), bool)
    for label, group in zip(table.labels, group_of_label, strict=True):
        if group < 0:
            continue
        has_instances[group] &= label.has_instances
        of_label = instances[instances[:, LABEL] == label.id]
        weight = AVERAGE_PIXELS.get(label.name, np.nan) / of_label[:, PIXELS]
        found[group] += (weight * of_label[:, column]).sum()
        missed[group] += (weight * (of_label[:, PIXELS] - of_label[:, column])).sum()
    whole = found + missed + confusion.sum(0) - np.diag(confusion)
    return np.divide(found, whole, out=np.full(len(confusion), np.nan), where=has_instances & (whole > 0))


def _numbered(names: Sequence[str | None]) -> list[int]:
    known = list(dict.fromkeys(name for name in names if name is not None))
    return [-1 if name is None else known.index(name) for name in names]
