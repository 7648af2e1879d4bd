"""iIoU: IoU in which every object weighs as much as an average one, from the pixels of each that were predicted."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from segexp.classes import Grouping, LabelTable
from segexp.metric.metric import Classes, Scores, SegmentedImage
from segexp.metric.overlap import HIT, PREDICTED, category_names, merge_confusions, pixels_of_classes
from segexp.metric.sums import by_name, mean, ratio, summed
from segexp.types import Bytes, Counts, Floats

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
UNIT = 2**24
"""Weighted pixels are summed as whole multiples of 1 / UNIT, so that the order of adding does not change the sum."""
ALL, IN_CLASS, IN_CATEGORY = range(3)


class Instances:
    """iiou and iiou/CLASS, category_iiou and category_iiou/CATEGORY, see `instance_iou`.

    Only where every image has ids of single objects; a class with a label that has none has no score.
    """

    needs = ("objects", "confusions")
    lower_is_better = ()

    def count(self, image: SegmentedImage) -> Mapping[str, Counts]:
        if image.instances is None:
            return {}
        return {"objects": object_counts(image.instances, image.prediction, image.grouping, image.table)}

    def scores(self, counts: Mapping[str, Counts], weights: Floats | None, classes: Classes) -> Scores:
        objects = summed(counts["objects"], weights)
        pixels = summed(pixels_of_classes(counts["confusions"]), weights)
        false_alarms = pixels[..., PREDICTED] - pixels[..., HIT]
        iou = instance_iou(objects, false_alarms, classes.class_of_label, classes.has_instances)
        scores = {"iiou": mean(iou), **by_name("iiou", classes.names, iou)}
        names = category_names(classes.categories)
        if names:
            number = {name: index for index, name in enumerate(names)}
            category_of_label = [
                number[str(classes.categories[each])] if each >= 0 else -1 for each in classes.class_of_label
            ]
            merged = summed(
                pixels_of_classes(merge_confusions(counts["confusions"], classes.categories, names)), weights
            )
            false_alarms = merged[..., PREDICTED] - merged[..., HIT]
            iou = instance_iou(objects, false_alarms, category_of_label, classes.has_instances, IN_CATEGORY)
            scores |= {"category_iiou": mean(iou), **by_name("category_iiou", names, iou)}
        return scores


def object_counts(ids: npt.NDArray, predicted: Bytes, grouping: Grouping, table: LabelTable) -> Counts:
    """Count the pixels of the objects of each label, each object weighted as if it had the average size, [L, 3].

    The columns are all pixels, those predicted as the class, and those predicted as the category of the label, in
    multiples of 1 / UNIT. A label without an average size counts nothing.
    ids: label * 1000 + number of the object, [H, W]; up to 1000 there is no object. predicted: train ids, uint8 [H, W].
    """
    counts = np.zeros((len(table.labels), 3), np.int64)
    objects = _pixels_of_objects(ids, predicted, grouping, table)
    for index, label in enumerate(table.labels):
        pixels = objects[objects[:, 0] == label.id, 1:]
        weight = AVERAGE_PIXELS.get(label.name, 0.0) * UNIT / pixels[:, :1]
        counts[index] = np.round(weight * pixels).astype(np.int64).sum(0)
    return counts


def _pixels_of_objects(ids: npt.NDArray, predicted: Bytes, grouping: Grouping, table: LabelTable) -> Counts:
    """Label id, pixels, pixels in the right class and pixels in the right category of each object, [K, 4]."""
    inside = ids > 1000
    ids, predicted = ids[inside].astype(np.int64), predicted[inside]
    label = ids // 1000
    categories = _category_numbers([each.category for each in table.labels])
    category_of_label = np.full(256, -1)
    category_of_label[table.mask_values()] = categories
    category_of_class = category_of_label[grouping.mask_values(table)]
    in_class = grouping.lookup(table)[label] == predicted
    in_category = category_of_label[label] == category_of_class[predicted]
    counts = [np.bincount(each, minlength=2**16) for each in (ids, ids[in_class], ids[in_category])]
    present = np.flatnonzero(counts[0])
    return np.stack([present // 1000, *(each[present] for each in counts)], -1)


def instance_iou(
    objects: Counts | Floats,
    false_alarms: Counts | Floats,
    group_of_label: Sequence[int],
    has_instances: Sequence[bool],
    column: int = IN_CLASS,
) -> Floats:
    """Compute the iIoU of each group of labels, iTP / (iTP + FP + iFN), [..., G].

    objects: sums of `object_counts` [..., L, 3]. false_alarms: pixels predicted as each group that are of another one,
    [..., G]. group_of_label: index of the group of each label, -1 for none. column: IN_CLASS or IN_CATEGORY.
    NaN for groups with a label that has no instances, and for groups without any pixel.
    Source: Cordts et al. 2016, arXiv:1604.01685, section 4.1.
    """
    num_groups = false_alarms.shape[-1]
    member = np.arange(num_groups)[:, None] == np.array(group_of_label)  # group label
    of_objects = ~(member & ~np.array(has_instances)).any(1)
    weighted = member.astype(np.float64) @ (objects / UNIT)  # ... group column
    whole = weighted[..., ALL] + false_alarms
    return ratio(weighted[..., column], np.where(of_objects, whole, 0))


def _category_numbers(names: Sequence[str | None]) -> list[int]:
    categories = list(dict.fromkeys(name for name in names if name is not None))
    return [-1 if name is None else categories.index(name) for name in names]
