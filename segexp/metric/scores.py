"""Every score as a function of a confusion matrix: pixels by true class (row) and predicted class (column).

Scores are fractions 0..1. A class that neither occurs nor is predicted is NaN and left out of means, as the Cityscapes
evaluator does; one that is predicted but never occurs scores 0. NumPy only: stored matrices are scored without torch.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segexp.types import Floats

Confusion = npt.NDArray[np.int64]


def class_iou(confusion: Confusion) -> Floats:
    """Compute the intersection over union of each class, TP / (TP + FP + FN), [C]."""
    true_positive = np.diag(confusion)
    return _ratio(true_positive, confusion.sum(0) + confusion.sum(1) - true_positive)


def class_dice(confusion: Confusion) -> Floats:
    """Compute the Dice coefficient (F1) of each class, 2 TP / (2 TP + FP + FN), [C]."""
    return _ratio(2 * np.diag(confusion), confusion.sum(0) + confusion.sum(1))


def class_accuracy(confusion: Confusion) -> Floats:
    """Compute the share of each class's pixels that were predicted as it (recall), TP / (TP + FN), [C]."""
    return _ratio(np.diag(confusion), confusion.sum(1))


def class_precision(confusion: Confusion) -> Floats:
    """Compute the share of the pixels predicted as each class that belong to it, TP / (TP + FP), [C]."""
    return _ratio(np.diag(confusion), confusion.sum(0))


def class_share(confusion: Confusion) -> Floats:
    """Compute the share of the scored pixels that belong to each class, [C]."""
    return _ratio(confusion.sum(1), np.full(len(confusion), confusion.sum()))


def pixel_accuracy(confusion: Confusion) -> float:
    """Compute the share of the scored pixels that were classified correctly."""
    return float(_ratio(np.trace(confusion)[None], confusion.sum()[None])[0])


def mean(fractions: Floats) -> float:
    """Average the fractions that are not NaN; NaN if all are."""
    valid = fractions[~np.isnan(fractions)]
    return float(valid.mean()) if valid.size else float("nan")


def merge_labels(label_counts: Confusion, class_of_label: npt.NDArray[np.uint8], num_classes: int) -> Confusion:
    """Sum counts by true label to confusion matrices of classes, [..., L, C] -> [..., num_classes, C].

    class_of_label: class of each of the L labels; labels with a value that is no class, such as void, are not counted.
    """
    member = np.arange(num_classes)[:, None] == class_of_label  # class label
    return member.astype(np.int64) @ label_counts


def image_miou(confusions: Confusion) -> Floats:
    """Compute each image's mean IoU over the classes that occur in its target, [N, C, C] -> [N]; NaN where none does.

    Source: Wang et al. 2023, arXiv:2310.19252, mIoU^I.
    """
    hit, true = np.diagonal(confusions, axis1=1, axis2=2), confusions.sum(2)
    union = true + confusions.sum(1) - hit
    iou = np.divide(hit, union, out=np.zeros(union.shape), where=true > 0)
    return _ratio(iou.sum(1), (true > 0).sum(1))


def merge_classes(confusion: Confusion, groups: Sequence[str | None]) -> tuple[tuple[str, ...], Confusion]:
    """Merge classes to coarser ones: their names in order of appearance, and their confusion matrix.

    groups: name of the coarser class of each class; a class with None is left out of targets and predictions.
    """
    names = tuple(dict.fromkeys(group for group in groups if group is not None))
    member = np.array([[group == name for group in groups] for name in names], np.int64)  # group class
    member = member.reshape(len(names), len(groups))  # also where there is no group at all
    return names, member @ confusion @ member.T


def majority_class_miou(confusion: Confusion) -> float:
    """Compute the mean IoU of predicting the most frequent class everywhere: a training must exceed it."""
    constant = np.zeros_like(confusion)
    constant[:, confusion.sum(1).argmax()] = confusion.sum(1)
    return mean(class_iou(constant))


def all_scores(confusion: Confusion, class_names: Sequence[str], categories: Sequence[str | None]) -> dict[str, float]:
    """Compute every score under the name it is logged by: means, IoU by class, and by category where that is coarser.

    Scores that are NaN are left out, except the mean IoU.
    """
    iou, dice = class_iou(confusion), class_dice(confusion)
    by_name = {
        "miou": mean(iou),
        "dice": mean(dice),
        "pixel_accuracy": pixel_accuracy(confusion),
        "class_accuracy": mean(class_accuracy(confusion)),
        **{f"iou/{name}": value for name, value in zip(class_names, iou, strict=True)},
    }
    names, coarse = merge_classes(confusion, categories)
    if None not in categories and 1 < len(names) < len(class_names):
        category_iou = class_iou(coarse)
        by_name["category_miou"] = mean(category_iou)
        by_name |= {f"category_iou/{name}": value for name, value in zip(names, category_iou, strict=True)}
    return {name: float(value) for name, value in by_name.items() if name == "miou" or not np.isnan(value)}


def _ratio(part: npt.NDArray, whole: npt.NDArray[np.int64]) -> Floats:
    ratio = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=ratio, where=whole > 0)
