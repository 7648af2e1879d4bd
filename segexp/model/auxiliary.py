"""Auxiliary heads: parts of a network that only training uses, to supervise its inner stages (deep supervision).

A network keeps them in `self.auxiliary_heads`, an nn.ModuleList or nn.ModuleDict with one entry for each of its
auxiliary logits, and returns `segexp.types.TrainingLogits` in training mode. The head of boundary logits is the entry
`BOUNDARY` of an nn.ModuleDict.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from segexp.types import TrainingLogits

HEADS = "auxiliary_heads"
BOUNDARY = "boundary"


def num_auxiliary(model: nn.Module) -> int:
    """Return how many auxiliary heads a model has: it gives so many further logits in training mode."""
    return sum(len(heads) for _, heads in _auxiliary_heads(model))


def has_boundary_head(model: nn.Module) -> bool:
    """Whether a model gives boundary logits in training mode."""
    return any(isinstance(heads, nn.ModuleDict) and BOUNDARY in heads for _, heads in _auxiliary_heads(model))


def drop_auxiliary_heads(model: nn.Module) -> None:
    """Remove the auxiliary heads of a model that will only predict, so that nobody stores or counts their weights."""
    for name, heads in list(_auxiliary_heads(model)):
        model.set_submodule(name, type(heads)())


def split_output(output: Any, network: nn.Module) -> TrainingLogits:
    """Return what a network returned in training mode as `TrainingLogits`, without auxiliary ones if it is one tensor.

    Raises ValueError unless it is one tensor, or `TrainingLogits` with one auxiliary or boundary logits for each head.
    """
    if isinstance(output, Tensor):
        return TrainingLogits(output, ())
    num_heads = len(getattr(network, HEADS, ()))
    is_right_type = isinstance(output, TrainingLogits)
    num_found = len(output.auxiliary) + (output.boundary is not None) if is_right_type else None
    if num_found != num_heads:
        found = type(output).__name__ if num_found is None else f"{num_found} auxiliary logits of {num_heads} heads"
        raise ValueError(
            f"network: found {found}; allowed: logits, or segexp.types.TrainingLogits(logits, auxiliary) with "
            f"one entry of auxiliary for each module in self.{HEADS} (but boundary=logits for that of boundaries)"
        )
    return output


def fcn_head(num_features: int, num_classes: int) -> nn.Sequential:
    """Build the auxiliary head of PSPNet: features [B, num_features, H, W] -> logits [B, num_classes, H, W].

    Source: Zhao et al. 2017, arXiv:1612.01105, section 3.3, and the authors' code (hszhao/semseg), which drops whole
    channels. The head of torchvision's FCN and DeepLabV3 is the same, but drops single values.
    """
    num_inner = max(num_features // 4, 1)
    return nn.Sequential(
        nn.Conv2d(num_features, num_inner, 3, padding=1, bias=False),
        nn.BatchNorm2d(num_inner),
        nn.ReLU(inplace=True),
        nn.Dropout2d(0.1),
        nn.Conv2d(num_inner, num_classes, 1),
    )


def check_stages(stages: Any, allowed: Sequence[int]) -> None:
    """Raise ValueError unless stages is a list of allowed stages, each at most once."""
    is_list = isinstance(stages, Sequence) and not isinstance(stages, str)
    if not is_list or not set(stages) <= set(allowed) or len(set(stages)) < len(stages):
        raise ValueError(
            f"model.auxiliary_stages is {stages!r}; allowed: null, or a list of stages, each once, out of "
            f"{list(allowed)}; set model.auxiliary_stages=[{4 if 4 in allowed else allowed[-1]}]"
        )


def _auxiliary_heads(model: nn.Module) -> Iterator[tuple[str, Any]]:
    for name, module in model.named_modules():
        if name.rpartition(".")[2] == HEADS:
            yield name, module
