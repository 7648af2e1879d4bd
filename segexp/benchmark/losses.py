"""The suite losses: forward and backward of every loss, beside those of torch and segmentation-models-pytorch."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from segexp import build
from segexp.benchmark.memory import peak_bytes
from segexp.benchmark.results import Record, SuiteReport
from segexp.benchmark.settings import LossesSettings
from segexp.benchmark.timing import median_seconds
from segexp.config.compose import compose, config_folder
from segexp.types import VOID

KEY = ("logits", "loss")
REFERENCE = "torch cross_entropy"
Loss = Callable[[Tensor, Tensor], Tensor]


def measure(settings: LossesSettings, device: torch.device, earlier: Sequence[Record]) -> list[Record]:
    """One record for each loss, shape and scale: milliseconds, ratio to cross-entropy, peak memory.

    memory: beyond logits and target, in units of the logits; the gradient, which stays, is included. earlier: ignored,
    everything is measured again.
    """
    names = settings.options or sorted(path.stem for path in (config_folder() / "loss").glob("*.yaml"))
    records = []
    for shape in settings.shapes:
        for scale in settings.scales:
            logits, target = sample_batch(shape, scale, device)
            losses: dict[str, Loss] = references() | {name: build_loss(name, shape[1]).to(device) for name in names}
            works = {name: partial(forward_and_backward, loss, logits, target) for name, loss in losses.items()}
            title = f"{'x'.join(map(str, shape))}, scale {scale:g}"
            seconds = median_seconds(works, settings.rounds, device, title)
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


def report(records: Sequence[Record], settings: LossesSettings, device: torch.device) -> SuiteReport:
    return SuiteReport({"losses, forward and backward": records}, [])


def sample_batch(shape: Sequence[int], scale: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Logits of a network that is right at most pixels, and a target with some void."""
    generator = torch.Generator().manual_seed(0)
    num_images, num_classes, *size = shape
    target = torch.randint(0, num_classes, (num_images, *size), generator=generator)
    logits = torch.randn(*shape, generator=generator)
    logits.scatter_add_(1, target[:, None], torch.full((num_images, 1, *size), 2.0))
    target[torch.rand(target.shape, generator=generator) < 0.1] = VOID
    return (scale * logits).to(device).requires_grad_(), target.to(torch.uint8).to(device)


def references() -> dict[str, Loss]:
    """The alternatives that users have, with targets as those losses need them."""
    losses = {
        REFERENCE: nn.CrossEntropyLoss(ignore_index=VOID),
        "smp lovasz": smp.losses.LovaszLoss("multiclass", ignore_index=VOID),
        "smp dice": smp.losses.DiceLoss("multiclass", ignore_index=VOID),
        "smp jaccard": smp.losses.JaccardLoss("multiclass", ignore_index=VOID),
        "smp focal": smp.losses.FocalLoss("multiclass", ignore_index=VOID),
    }
    return {name: partial(_with_long_target, loss) for name, loss in losses.items()}


def build_loss(option: str, num_classes: int) -> nn.Module:
    """An option of conf/loss in training mode, for classes of equal frequency."""
    facts = {
        "num_classes": lambda: num_classes,
        "class_counts": lambda: [1000] * num_classes,
        "class_extents": lambda: [1000] * num_classes,
    }
    return build.loss_from(compose("train", [f"loss={option}"])["loss"], facts)


def forward_and_backward(loss: Loss, logits: Tensor, target: Tensor) -> None:
    logits.grad = None
    loss(logits, target).backward()


def _with_long_target(loss: nn.Module, logits: Tensor, target: Tensor) -> Tensor:
    return loss(logits, target.long())
