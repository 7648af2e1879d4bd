"""Every score as a function of a confusion matrix: rows are true, columns predicted classes, in pixels.

Floats 0..1. A class that neither occurs nor is predicted is NaN and left out of means, as the Cityscapes evaluator
does; one that is predicted but never occurs scores 0. NumPy only: stored matrices are scored without torch.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segexp.types import Floats

Confusion = npt.NDArray[np.int64]


def class_iou(confusion: Confusion) -> Floats:
    """Intersection over union of each class, TP / (TP + FP + FN), [C]."""
    true_positive = np.diag(confusion)
    return _ratio(true_positive, confusion.sum(0) + confusion.sum(1) - true_positive)


def class_dice(confusion: Confusion) -> Floats:
    """Dice coefficient (F1) of each class, 2 TP / (2 TP + FP + FN), [C]."""
    return _ratio(2 * np.diag(confusion), confusion.sum(0) + confusion.sum(1))


def class_accuracy(confusion: Confusion) -> Floats:
    """Share of each class's pixels that were found (recall), TP / (TP + FN), [C]."""
    return _ratio(np.diag(confusion), confusion.sum(1))


def class_share(confusion: Confusion) -> Floats:
    """Share of the scored pixels that belong to each class, [C]."""
    return _ratio(confusion.sum(1), np.full(len(confusion), confusion.sum()))


def pixel_accuracy(confusion: Confusion) -> float:
    """Share of the scored pixels that were classified correctly."""
    return float(_ratio(np.trace(confusion)[None], confusion.sum()[None])[0])


def mean(fractions: Floats) -> float:
    """Mean over the classes that are not NaN; NaN if all are."""
    valid = fractions[~np.isnan(fractions)]
    return float(valid.mean()) if valid.size else float("nan")


def by_class(label_counts: Confusion, class_of_label: npt.NDArray[np.uint8], num_classes: int) -> Confusion:
    """Confusion matrices of classes from counts by true label, [..., L, C] -> [..., num_classes, C].

    class_of_label: of each of the L labels; those that are no class, such as void, are not counted.
    """
    member = np.arange(num_classes)[:, None] == class_of_label  # class label
    return member.astype(np.int64) @ label_counts


def image_miou(confusions: Confusion) -> Floats:
    """Mean IoU of each image over the classes that truly occur in it, [N, C, C] -> [N]; NaN where none does.

    Source: Wang et al. 2023, arXiv:2310.19252, mIoU^I.
    """
    hit, true = np.diagonal(confusions, axis1=1, axis2=2), confusions.sum(2)
    union = true + confusions.sum(1) - hit
    iou = np.divide(hit, union, out=np.zeros(union.shape), where=true > 0)
    return _ratio(iou.sum(1), (true > 0).sum(1))


def worst(fractions: Floats, share: float) -> float:
    """Mean of the lowest `share` of them, of one at least; NaN are left out. Source: as `image_miou`, worst-case."""
    valid = np.sort(fractions[~np.isnan(fractions)])
    return mean(valid[: max(1, int(share * len(valid)))])


def region_iou(regions: Confusion) -> Floats:
    """IoU from pixels in the intersection and in the union, [C, 2] -> [C]."""
    return _ratio(regions[:, 0], regions[:, 1])


def calibration_error(counts: Confusion, unit: int) -> float:
    """Expected calibration error: mean gap between confidence and accuracy, weighted by the pixels of each bin.

    counts: see `segexp.metric.calibration`, summed over images, [bins, 3]. Source: Naeini et al. 2015, AAAI.
    """
    pixels, right, confidence = counts.T
    gap = np.abs(right - confidence / unit).sum()
    return float(_ratio(np.array([gap]), pixels.sum()[None])[0])


def merged(confusion: Confusion, groups: Sequence[str | None]) -> tuple[tuple[str, ...], Confusion]:
    """The confusion matrix of coarser classes: their names in order of appearance, and their matrix.

    groups: name of the coarser class of each class; classes of None are left out, as truth and as prediction.
    """
    names = tuple(dict.fromkeys(group for group in groups if group is not None))
    member = np.array([[group == name for group in groups] for name in names], np.int64)  # group class
    member = member.reshape(len(names), len(groups))  # also where there is no group at all
    return names, member @ confusion @ member.T


def prior_miou(confusion: Confusion) -> float:
    """Mean IoU of the constant answer "the most frequent class": the floor that any training must clear."""
    constant = np.zeros_like(confusion)
    constant[:, confusion.sum(1).argmax()] = confusion.sum(1)
    return mean(class_iou(constant))


def named(confusion: Confusion, class_names: Sequence[str], categories: Sequence[str | None]) -> dict[str, float]:
    """Every score under the name it is logged by: means, IoU by class, and by category where that is coarser.

    What is NaN, except the mean IoU, is left out.
    """
    iou, dice = class_iou(confusion), class_dice(confusion)
    found = {
        "miou": mean(iou),
        "dice": mean(dice),
        "pixel_accuracy": pixel_accuracy(confusion),
        "class_accuracy": mean(class_accuracy(confusion)),
        **{f"iou/{name}": value for name, value in zip(class_names, iou, strict=True)},
    }
    names, coarse = merged(confusion, categories)
    if None not in categories and 1 < len(names) < len(class_names):
        category_iou = class_iou(coarse)
        found["category_miou"] = mean(category_iou)
        found |= {f"category_iou/{name}": value for name, value in zip(names, category_iou, strict=True)}
    return {name: float(value) for name, value in found.items() if name == "miou" or not np.isnan(value)}


def _ratio(part: npt.NDArray, whole: npt.NDArray[np.int64]) -> Floats:
    ratio = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=ratio, where=whole > 0)
