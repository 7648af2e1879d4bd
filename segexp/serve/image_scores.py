"""What is said of one prediction: its scores with ground truth, and what can be said without."""

from typing import Any

import numpy as np
import torch

from segexp.metric import scores
from segexp.metric.confusion import confusion_matrix
from segexp.serve.batcher import Confidence
from segexp.types import Bytes


def score_image(target: Bytes, predicted: Bytes, class_names: tuple[str, ...]) -> dict[str, Any]:
    """IoU of each class, mean IoU and pixel accuracy of one image; None where there is nothing to score.

    The mean is that of `scores.image_miou`.
    """
    counts = confusion_matrix(torch.from_numpy(predicted), torch.from_numpy(target), len(class_names)).numpy()
    iou = scores.class_iou(counts)
    return {
        "miou": _none_for_nan(scores.image_miou(counts[None])[0]),
        "pixel_accuracy": _none_for_nan(scores.pixel_accuracy(counts)),
        "iou": {name: _none_for_nan(value) for name, value in zip(class_names, iou, strict=True)},
    }


def describe_prediction(predicted: Bytes, confidence: Confidence, class_names: tuple[str, ...]) -> dict[str, Any]:
    """Share of the pixels of each class, and mean confidence, as `PredictionStatistics` describes them.

    predicted: train ids [H, W]. confidence: probability of each of them [H, W].
    """
    class_ids, num_classes = predicted.ravel(), len(class_names)
    num_pixels = np.bincount(class_ids, minlength=num_classes)
    total = np.bincount(class_ids, weights=confidence.ravel(), minlength=num_classes)
    mean = np.divide(total, num_pixels, out=np.full(num_classes, np.nan), where=num_pixels > 0)
    return {
        "share": dict(zip(class_names, (num_pixels / class_ids.size).tolist(), strict=True)),
        "confidence": {name: _none_for_nan(value) for name, value in zip(class_names, mean, strict=True)},
        "mean_confidence": _none_for_nan(total.sum() / class_ids.size),
    }


def _none_for_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
