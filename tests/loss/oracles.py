"""The definitions of DESIGN.md, section 7, computed slowly in float64."""

from typing import Any

import numpy as np
import torch

from segexp.types import VOID

Batch = tuple[torch.Tensor, torch.Tensor]


def random_batch(num_classes: int, num_pixels: int, scale: float = 1.0, trained: bool = False, seed: int = 0) -> Batch:
    """Logits [1, C, 1, pixel] and a target with one void pixel of ten; trained ones favour the true class."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(0, num_classes, (1, 1, num_pixels), generator=generator)
    logits = torch.randn(1, num_classes, 1, num_pixels, generator=generator)
    if trained:
        logits += 2 * torch.nn.functional.one_hot(target, num_classes).movedim(-1, 1)
    target = target.to(torch.uint8)
    target[..., 1:][torch.rand(1, 1, num_pixels - 1, generator=generator) < 0.1] = VOID
    return (scale * logits).requires_grad_(), target


def by_sorting(logits: torch.Tensor, target: torch.Tensor, by_error: bool, law: Any) -> Batch:
    """Value and gradient of the expected Jaccard loss, averaged over the classes present."""
    scores = logits.detach().double().requires_grad_()
    valid = target.flatten() != VOID
    probability = scores.softmax(1).movedim(1, 0).flatten(1)[:, valid]  # c pixel
    present = target.flatten()[valid].unique().tolist()
    value, slope = 0.0, torch.zeros_like(probability)
    for label in present:
        true = target.flatten()[valid] == label
        of_class, slope[label] = _of_class(probability[label].detach(), true, by_error, law)
        value += of_class
    probability.backward(slope / max(len(present), 1))
    assert scores.grad is not None
    return torch.tensor(value / max(len(present), 1), dtype=torch.float64), scores.grad


def _of_class(probability: torch.Tensor, true: torch.Tensor, by_error: bool, law: Any) -> tuple[float, torch.Tensor]:
    threshold = torch.where(true, 1 - probability, probability) if by_error else probability
    order = threshold.argsort(descending=True, stable=True)
    passed, others = true[order].double().cumsum(0), (~true[order]).double().cumsum(0)
    hits = true.sum() - passed if by_error else passed
    start = 0.0 if by_error else 1.0
    jump = (1 - hits / (true.sum() + others)).diff(prepend=torch.tensor([start], dtype=torch.float64))
    sorted_threshold = threshold[order].numpy()
    value = start + float((torch.from_numpy(law.cdf(sorted_threshold)) * jump).sum())
    change = torch.zeros_like(threshold)
    change[order] = torch.from_numpy(np.nan_to_num(law.pdf(sorted_threshold))) * jump
    return value, torch.where(true & by_error, -change, change)


def by_integrating(
    logits: torch.Tensor, target: torch.Tensor, by_error: bool, law: Any, num_steps: int = 4000
) -> float:
    """The same value: the Jaccard loss at many quantiles of the threshold, averaged."""
    valid = target.flatten() != VOID
    probability = logits.detach().double().softmax(1).movedim(1, 0).flatten(1)[:, valid]
    thresholds = law.ppf((np.arange(num_steps) + 0.5) / num_steps)
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
