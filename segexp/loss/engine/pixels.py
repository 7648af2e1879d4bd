"""The checks that every loss makes of its inputs, and the log-likelihood of each pixel."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from segexp.types import VOID, Logits, Target

PixelLoss = Float[Tensor, "batch height width"]


def check_inputs(logits: Logits, target: Target, num_classes: int | None = None) -> None:
    """Raise ValueError for logits and a target that do not fit together.

    Values of the target are checked on the CPU only: elsewhere the host would wait for the device in every step. There
    an index that is neither a class nor VOID fails an assertion of the kernel or counts as no class at all.
    num_classes: the number that the loss was built for; None accepts any number of channels.
    """
    if (
        logits.dim() != 4
        or target.dim() != 3
        or logits.shape[0] != target.shape[0]
        or logits.shape[2:] != target.shape[1:]
    ):
        raise ValueError(
            f"loss: logits {list(logits.shape)} and target {list(target.shape)} do not fit together; "
            "allowed: logits [B, C, H, W] and target [B, H, W]; resize both to one height and width"
        )
    if num_classes not in (None, logits.shape[1]):
        raise ValueError(
            f"loss: logits have {logits.shape[1]} channels, but the loss was built for {num_classes} classes; "
            "give model and loss the same num_classes"
        )
    if target.is_floating_point() or target.is_complex():
        raise ValueError(
            f"loss: target is {target.dtype}; allowed: an integer type with class indices 0..{logits.shape[1] - 1} "
            f"or {VOID} (void); pass uint8"
        )
    if target.device.type == "cpu" and not torch.compiler.is_compiling():
        _check_values(target, logits.shape[1])


def negative_log_likelihood(
    logits: Logits, target: Target, weight: Float[Tensor, " num_classes"] | None = None, label_smoothing: float = 0.0
) -> PixelLoss:
    """Compute -w log softmax of the true class per pixel, float32 >= 0; 0 at void pixels.

    weight: w of each class, None for 1. label_smoothing: e in [0, 1): (1 - e) of the loss is that of the true class,
    and e is the mean over all classes of -w log softmax, as torch has it (Szegedy et al. 2016, arXiv:1512.00567).
    The sum is left to the caller: the 2-D kernel that sums has no deterministic version on CUDA (pytorch#17350).
    """
    return functional.cross_entropy(
        in_plain_float32(logits),
        target.long(),
        weight,
        ignore_index=VOID,
        reduction="none",
        label_smoothing=label_smoothing,
    )


def in_plain_float32(logits: Logits) -> Logits:
    """The logits in float32, one class after the other in memory, as torch's kernels need them: one copy, or none."""
    return logits.to(torch.float32, memory_format=torch.contiguous_format)


def check_label_smoothing(label_smoothing: float) -> None:
    """Raise ValueError for one that is not allowed."""
    if not 0 <= label_smoothing < 1:
        raise ValueError(
            f"loss: label_smoothing is {label_smoothing}; allowed: 0 <= label_smoothing < 1; set loss.label_smoothing"
        )


def _check_values(target: Target, num_classes: int) -> None:
    unknown = (target >= num_classes) & (target != VOID)
    if target.dtype.is_signed:
        unknown |= target < 0
    if unknown.any():
        values = target[unknown].unique().tolist()
        cure = (
            f"void is {VOID} here: target.where(target >= 0, {VOID})"
            if values[0] < 0
            else "map labels to classes with the grouping that the model was built for"
        )
        raise ValueError(f"loss: target holds {values}; allowed: 0..{num_classes - 1} and {VOID} (void); {cure}")
