"""The definitions of the Lovász family (docs/losses.md), computed slowly in float64."""

from typing import Any

import numpy as np
import torch

from segexp.types import VOID

Batch = tuple[torch.Tensor, torch.Tensor]


def random_batch(num_classes: int, num_pixels: int, scale: float = 1.0, trained: bool = False, seed: int = 0) -> Batch:
    """Draw logits [1, C, 1, pixel], which favour the true class if trained, and a target with one void pixel of ten."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(0, num_classes, (1, 1, num_pixels), generator=generator)
    logits = torch.randn(1, num_classes, 1, num_pixels, generator=generator)
    if trained:
        logits += 2 * torch.nn.functional.one_hot(target, num_classes).movedim(-1, 1)
    target = target.to(torch.uint8)
    target[..., 1:][torch.rand(1, 1, num_pixels - 1, generator=generator) < 0.1] = VOID
    return (scale * logits).requires_grad_(), target


def by_sorting(logits: torch.Tensor, target: torch.Tensor, by_error: bool, distribution: Any) -> Batch:
    """Compute value and gradient of the expected Jaccard loss, averaged over the classes present."""
    scores = logits.detach().double().requires_grad_()
    valid = target.flatten() != VOID
    probability = scores.softmax(1).movedim(1, 0).flatten(1)[:, valid]  # c pixel
    present = target.flatten()[valid].unique().tolist()
    value, slope = 0.0, torch.zeros_like(probability)
    for label in present:
        true = target.flatten()[valid] == label
        value_of_class, slope[label] = _value_and_slope(probability[label].detach(), true, by_error, distribution)
        value += value_of_class
    probability.backward(slope / max(len(present), 1))
    assert scores.grad is not None
    return torch.tensor(value / max(len(present), 1), dtype=torch.float64), scores.grad


def _value_and_slope(
    probability: torch.Tensor, true: torch.Tensor, by_error: bool, distribution: Any
) -> tuple[float, torch.Tensor]:
    threshold = torch.where(true, 1 - probability, probability) if by_error else probability
    order = threshold.argsort(descending=True, stable=True)
    passed, others = true[order].double().cumsum(0), (~true[order]).double().cumsum(0)
    hits = true.sum() - passed if by_error else passed
    start = 0.0 if by_error else 1.0
    jump = (1 - hits / (true.sum() + others)).diff(prepend=torch.tensor([start], dtype=torch.float64))
    sorted_threshold = threshold[order].numpy()
    value = start + float((torch.from_numpy(distribution.cdf(sorted_threshold)) * jump).sum())
    change = torch.zeros_like(threshold)
    change[order] = torch.from_numpy(np.nan_to_num(distribution.pdf(sorted_threshold))) * jump
    return value, torch.where(true & by_error, -change, change)


def by_integrating(
    logits: torch.Tensor, target: torch.Tensor, by_error: bool, distribution: Any, num_steps: int = 4000
) -> float:
    """Compute the same value as the average of the Jaccard loss at many quantiles of the threshold."""
    valid = target.flatten() != VOID
    probability = logits.detach().double().softmax(1).movedim(1, 0).flatten(1)[:, valid]
    thresholds = distribution.ppf((np.arange(num_steps) + 0.5) / num_steps)
    present = target.flatten()[valid].unique().tolist()
    total = 0.0
    for label in present:
        true = target.flatten()[valid] == label
        for threshold in thresholds:
            predicted = probability[label] > threshold
            if by_error:
                wrong = torch.where(true, 1 - probability[label], probability[label]) > threshold
                predicted = true ^ wrong
            total += 1 - float((predicted & true).sum() / (predicted | true).sum())
    return total / len(present) / num_steps
