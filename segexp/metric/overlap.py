"""IoU, Dice and accuracies: how the predicted classes overlap with the true ones."""

from collections.abc import Mapping, Sequence

import numpy as np

from segexp.metric.metric import Classes, Scores, SegmentedImage
from segexp.metric.sums import by_name, mean, ratio, summed
from segexp.types import Counts, Floats

HIT, TRUE, PREDICTED = range(3)


class Overlap:
    """Pixels of each image by true and predicted class [C, C], and by true label and predicted class [L, C].

    Scores: miou, dice, class_accuracy (means over the classes), pixel_accuracy, iou/CLASS; category_miou and
    category_iou/CATEGORY where classes have coarser categories. A class that neither occurs nor is predicted has no
    score; one that is predicted but never occurs scores 0, as in the Cityscapes evaluator.
    """

    needs = ("confusions",)
    lower_is_better = ()

    def count(self, image: SegmentedImage) -> Mapping[str, Counts]:
        from segexp.metric.confusion import pair_counts

        predicted, _, label_ids = image.on_device
        num_classes = image.grouping.num_classes
        by_label = pair_counts(label_ids, predicted).cpu().numpy()[image.table.mask_values(), :num_classes]
        class_of_label = Classes.of(image.grouping, image.table).class_of_label
        member = np.arange(num_classes)[:, None] == np.array(class_of_label)  # class label
        return {"labels": by_label, "confusions": member.astype(np.int64) @ by_label}

    def scores(self, counts: Mapping[str, Counts], weights: Floats | None, classes: Classes) -> Scores:
        pixels = summed(pixels_of_classes(counts["confusions"]), weights)
        iou = class_iou(pixels)
        scores = {
            "miou": mean(iou),
            "dice": mean(ratio(2 * pixels[..., HIT], pixels[..., TRUE] + pixels[..., PREDICTED])),
            "pixel_accuracy": ratio(pixels[..., HIT].sum(-1), pixels[..., TRUE].sum(-1)),
            "class_accuracy": mean(ratio(pixels[..., HIT], pixels[..., TRUE])),
            **by_name("iou", classes.names, iou),
        }
        names = category_names(classes.categories)
        if names:
            iou = class_iou(
                summed(pixels_of_classes(merge_confusions(counts["confusions"], classes.categories, names)), weights)
            )
            scores |= {"category_miou": mean(iou), **by_name("category_iou", names, iou)}
        return scores


def pixels_of_classes(confusions: Counts) -> Counts:
    """Pixels that each class hits, has, and is predicted at: [N, C, C] -> [N, C, 3], with much less to sum."""
    hit = np.diagonal(confusions, axis1=1, axis2=2)
    return np.stack([hit, confusions.sum(2), confusions.sum(1)], -1)


def class_iou(pixels: Counts) -> Floats:
    """[B, C, 3] of `pixels_of_classes` -> [B, C]."""
    hit = pixels[..., HIT]
    return ratio(hit, pixels[..., TRUE] + pixels[..., PREDICTED] - hit)


def category_names(categories: Sequence[str | None]) -> tuple[str, ...]:
    """The categories in order of appearance; none unless every class has one and they are coarser than the classes."""
    names = tuple(dict.fromkeys(name for name in categories if name is not None))
    return names if None not in categories and 1 < len(names) < len(categories) else ()


def merge_confusions(confusions: Counts, categories: Sequence[str | None], names: Sequence[str]) -> Counts:
    """Sum the counts of classes of one category: [N, C, C] -> [N, K, K]. names: of the K categories."""
    member = np.array([[category == name for category in categories] for name in names], np.int64)  # category class
    return member @ confusions @ member.T
