"""Batch norm folded into the convolution before it: the same values in one pass over the features instead of two."""

from collections import Counter, defaultdict
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from segexp.types import SMALLEST_SIDE

Convolution = nn.Conv2d | nn.ConvTranspose2d
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
PROBE_SIDE = 2 * SMALLEST_SIDE
TOLERANCE = 1e-4
"""Largest difference of a folded layer from the two on the probe, as a fraction of the largest value."""


class Call(NamedTuple):
    """features: what a layer was given. output: what it returned. values: of the output, before anything changed it."""

    features: Tensor
    output: Tensor
    values: Tensor


@torch.no_grad()
def fold_batch_norm(network: nn.Module) -> None:
    """Fold each batch norm that alone reads the output of a convolution into it. Changes the network.

    network: in evaluation mode, on the CPU; image uint8 [B, 3, H, W] -> logits.
    Which layer reads what is seen by running the network on a small random image. A pair is folded if both layers ran
    once, nothing else used what lies between them, and the folded layer gives what the two gave. All others are left
    alone, as is a network that cannot be run so.
    """
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()):
        return
    rests: dict[nn.Module, nn.Module] = {}
    for convolution, norm, fused in _foldable_pairs(network):
        convolution.weight, convolution.bias = fused.weight, fused.bias
        rests[norm] = _rest(norm)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if child in rests:
                setattr(parent, name, rests[child])


def _foldable_pairs(network: nn.Module) -> list[tuple[Convolution, nn.BatchNorm2d, Convolution]]:
    """Convolution, the batch norm behind it, and a convolution that does the work of both."""
    calls, uses = _watch(network)
    producers = {id(call.output): layer for layer in calls for call in calls[layer] if isinstance(layer, CONVOLUTIONS)}
    pairs = []
    for norm in calls:
        features = calls[norm][0].features
        layer = producers.get(id(features))
        if not isinstance(norm, nn.BatchNorm2d) or layer is None or norm.running_mean is None:
            continue
        if len(calls[norm]) == len(calls[layer]) == uses[id(features)] == 1:
            fused = fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d))
            if _agree(_rest(norm)(fused(calls[layer][0].features)), calls[norm][0].values):
                pairs.append((layer, norm, fused))
    return pairs


def _watch(network: nn.Module) -> tuple[dict[nn.Module, list[Call]], Counter[int]]:
    """The calls of convolutions and batch norms, and how often each output was used, by its id; empty if it fails."""
    image = torch.randint(0, 256, (1, 3, PROBE_SIDE, PROBE_SIDE), generator=torch.Generator().manual_seed(0))
    calls: dict[nn.Module, list[Call]] = defaultdict(list)
    uses = _Uses()

    def record(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        values = output.clone() if isinstance(layer, nn.BatchNorm2d) else output  # no further use of a convolution's
        calls[layer].append(Call(inputs[0], output, values))
        uses.of[id(output)] = 0  # those of a tensor that was freed and had this id; the output is kept from now on

    with ExitStack() as stack:
        for layer in network.modules():
            if isinstance(layer, (*CONVOLUTIONS, nn.BatchNorm2d)):
                stack.callback(layer.register_forward_hook(record).remove)
        stack.enter_context(uses)
        try:
            network(image.byte())
        except Exception:  # whatever a network from outside raises at this size
            return {}, Counter()
    return calls, uses.of


class _Uses(TorchFunctionMode):
    """Counts how often each tensor is given to a function that makes tensors of it."""

    def __init__(self) -> None:
        super().__init__()
        self.of = Counter[int]()

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if any(isinstance(each, Tensor) for each in tree_leaves(result)):
            self.of.update(id(each) for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor))
        return result


def _rest(norm: nn.BatchNorm2d) -> nn.Module:
    """What a layer that is derived from batch norm does after it: timm's have an activation."""
    return nn.Sequential(*norm.children())


def _agree(folded: Tensor, values: Tensor) -> bool:
    return folded.shape == values.shape and bool(((folded - values).abs() <= TOLERANCE * values.abs().max()).all())
