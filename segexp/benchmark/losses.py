"""Forward and backward of every loss, beside torch's cross-entropy and the losses of segmentation-models-pytorch."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from segexp import build
from segexp.benchmark.memory import peak_bytes
from segexp.benchmark.results import Record, Report
from segexp.benchmark.settings import checked_list, checked_number
from segexp.benchmark.timing import median_seconds
from segexp.config.compose import compose, config_folder
from segexp.config.schema import Count, checked
from segexp.types import VOID

KEY = ("logits", "loss")
REFERENCE = "torch cross_entropy"
Loss = Callable[[Tensor, Tensor], Tensor]


def measure(
    shapes: Sequence[Sequence[int]],
    scales: Sequence[float],
    options: Sequence[str] | None,
    device: torch.device,
    rounds: int,
) -> list[Record]:
    """One record a loss, shape and scale: milliseconds, ratio to cross-entropy, peak memory beyond logits and target.

    memory: in units of the logits, the gradient that stays included. Raises ValueError for settings that cannot be.
    """
    _check(shapes, scales, options, rounds)
    names = options or sorted(path.stem for path in (config_folder() / "loss").glob("*.yaml"))
    records = []
    for shape in shapes:
        for scale in scales:
            logits, target = batch(shape, scale, device)
            losses: dict[str, Loss] = references() | {name: ours(name, shape[1]).to(device) for name in names}
            works = {name: partial(step, loss, logits, target) for name, loss in losses.items()}
            title = f"{'x'.join(map(str, shape))}, scale {scale:g}"
            seconds = median_seconds(works, rounds, device, title)
            for name, work in works.items():
                logits.grad = None
                memory = peak_bytes(work, device) / (logits.numel() * logits.element_size())
                records.append(
                    {
                        "logits": title,
                        "loss": name,
                        "milliseconds": 1000 * seconds[name],
                        "ratio": seconds[name] / seconds[REFERENCE],
                        "memory": None if math.isnan(memory) else memory,
                    }
                )
    return records


def _check(shapes: Any, scales: Any, options: Any, rounds: Any) -> None:
    for shape in _some("losses.shapes", shapes):
        if not isinstance(shape, list) or len(shape) != 4 or not all(type(side) is int and side > 0 for side in shape):
            raise ValueError(
                f"losses.shapes has {shape!r}; needed are lists of [batch, classes, height, width]: "
                "losses.shapes=[[1,3,32,32]]"
            )
    for scale in _some("losses.scales", scales):
        checked_number("one of losses.scales", scale)
    if options is not None:
        checked_list("losses.options", options)
    checked(Count, "losses.rounds", rounds)


def _some(key: str, value: Any) -> list[Any]:
    if not checked_list(key, value):
        raise ValueError(f"{key} is empty, which leaves nothing to measure; leave {key}= out")
    return value


def report(records: Sequence[Record], **_: Any) -> Report:
    return Report({"losses, forward and backward": records}, [])


def batch(shape: Sequence[int], scale: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Logits of a network that is right at most pixels, and a target with some void."""
    generator = torch.Generator().manual_seed(0)
    num_images, num_classes, *size = shape
    target = torch.randint(0, num_classes, (num_images, *size), generator=generator)
    logits = torch.randn(*shape, generator=generator)
    logits.scatter_add_(1, target[:, None], torch.full((num_images, 1, *size), 2.0))
    target[torch.rand(target.shape, generator=generator) < 0.1] = VOID
    return (scale * logits).to(device).requires_grad_(), target.to(torch.uint8).to(device)


def references() -> dict[str, Loss]:
    """What users would take otherwise; targets as those losses want them."""
    theirs = {
        REFERENCE: nn.CrossEntropyLoss(ignore_index=VOID),
        "smp lovasz": smp.losses.LovaszLoss("multiclass", ignore_index=VOID),
        "smp dice": smp.losses.DiceLoss("multiclass", ignore_index=VOID),
        "smp jaccard": smp.losses.JaccardLoss("multiclass", ignore_index=VOID),
        "smp focal": smp.losses.FocalLoss("multiclass", ignore_index=VOID),
    }
    return {name: partial(_with_long_target, loss) for name, loss in theirs.items()}


def ours(option: str, num_classes: int) -> nn.Module:
    """An option of conf/loss in training mode, for classes of equal frequency."""
    facts = {
        "num_classes": lambda: num_classes,
        "class_counts": lambda: [1000] * num_classes,
        "class_extents": lambda: [1000] * num_classes,
    }
    return build.part(compose("train", [f"loss={option}"])["loss"], facts)


def step(loss: Loss, logits: Tensor, target: Tensor) -> None:
    logits.grad = None
    loss(logits, target).backward()


def _with_long_target(loss: nn.Module, logits: Tensor, target: Tensor) -> Tensor:
    return loss(logits, target.long())
