"""The Jaccard loss of a set of predicted pixels, and how one more pixel changes it."""

import torch
from torch import Tensor


def jaccard_loss(true_positives: Tensor, false_positives: Tensor, num_true: Tensor) -> Tensor:
    """Compute 1 - IoU; 0 for a class that is neither true nor predicted anywhere."""
    union = num_true + false_positives
    return torch.where(union > 0, 1 - true_positives / torch.where(union > 0, union, 1), 0)


def fall_by_true_positive(false_positives: Tensor, num_true: Tensor) -> Tensor:
    """Compute by how much the loss falls when one more true pixel is predicted."""
    union = num_true + false_positives
    return 1 / torch.where(union > 0, union, 1)


def rise_by_false_positive(true_positives: Tensor, false_positives: Tensor, num_true: Tensor) -> Tensor:
    """Compute by how much the loss rises when one more pixel of another class is predicted.

    For a class without true pixels only the first false positive costs anything, and it costs 1.
    """
    union = num_true + false_positives
    first = (false_positives <= 0).to(union)
    return torch.where(num_true > 0, true_positives / torch.where(union > 0, union * (union + 1), 1), first)
