"""Batch norm folded into the convolution before it: the same values in one pass over the features instead of two."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from segexp.types import SMALLEST_SIDE, Image

Convolution = nn.Conv2d | nn.ConvTranspose2d
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
PROBE_SIDE = 2 * SMALLEST_SIDE
TOLERANCE = 1e-4
"""Largest difference of a folded layer from the two on the probe, as a fraction of the largest value."""
NETWORK_TOLERANCE = 1e-3
"""Mean difference of the logits, as a fraction of the largest: rounding of many layers, which may move a maximum."""


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
    alone, as is a network that cannot be run so, and one whose logits change all the same: it may use a weight or a
    layer in ways that no call of a layer shows. A network that takes another path for other sizes of image is not seen.
    """
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()):
        return
    calls, uses, logits = _watch(network)
    with ExitStack() as undo:
        for convolution, norm, fused in _foldable_pairs(calls, uses):
            undo.callback(_set_weights, convolution, convolution.weight, convolution.bias)
            _set_weights(convolution, fused.weight, fused.bias)
            for parent, name in _places(network, norm):
                undo.callback(setattr, parent, name, norm)
                setattr(parent, name, _rest(norm))
        if _gives(network, logits):
            undo.pop_all()


def _set_weights(layer: Convolution, weight: Tensor, bias: Tensor | None) -> None:
    for name, value in (("weight", weight), ("bias", bias)):
        setattr(layer, name, value)


def _places(network: nn.Module, layer: nn.Module) -> list[tuple[nn.Module, str]]:
    """Every name of a layer: it may have several, in one module and in different ones."""
    return [(parent, name) for parent in network.modules() for name, child in parent._modules.items() if child is layer]


def _gives(network: nn.Module, logits: Any) -> bool:
    """Whether the network still computes these logits of the probe, up to rounding."""
    try:
        now = network(_probe())
    except Exception:  # it used an attribute of a batch norm that it has no more
        return False
    if not isinstance(logits, Tensor) or logits.shape != now.shape:
        return False
    return bool((now - logits).abs().mean() <= NETWORK_TOLERANCE * logits.abs().max())


def _foldable_pairs(
    calls: Mapping[nn.Module, Sequence[Call]], uses: Counter[int]
) -> list[tuple[Convolution, nn.BatchNorm2d, Convolution]]:
    """Convolution, the batch norm behind it, and a convolution that does the work of both."""
    producers = {id(call.output): layer for layer in calls for call in calls[layer] if isinstance(layer, CONVOLUTIONS)}
    pairs = []
    for norm in calls:
        features = calls[norm][0].features
        layer = producers.get(id(features))
        if not isinstance(norm, nn.BatchNorm2d) or layer is None or norm.running_mean is None or norm.training:
            continue
        if "weight" not in dict(layer.named_parameters(recurse=False)):
            continue  # it is computed from others at every call, as for weight norm
        if len(calls[norm]) == len(calls[layer]) == uses[id(features)] == 1:
            fused = fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d))
            if _agree(_rest(norm)(fused(calls[layer][0].features)), calls[norm][0].values):
                pairs.append((layer, norm, fused))
    return pairs


def _probe() -> Image:
    return torch.randint(0, 256, (1, 3, PROBE_SIDE, PROBE_SIDE), generator=torch.Generator().manual_seed(0)).byte()


def _watch(network: nn.Module) -> tuple[dict[nn.Module, list[Call]], Counter[int], Any]:
    """The calls of convolutions and batch norms, how often each output was used, by its id, and the logits.

    Empty if it fails.
    """
    calls: dict[nn.Module, list[Call]] = defaultdict(list)
    uses = _Uses()

    def record(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        values = output.clone() if isinstance(layer, nn.BatchNorm2d) else output  # no further use of a convolution's
        calls[layer].append(Call(inputs[0], output, values))
        uses.of[id(output)] = 0  # those of a tensor that was freed and had this id; the output is kept from now on

    with ExitStack() as stack:
        for layer in network.modules():
            if isinstance(layer, (*CONVOLUTIONS, nn.BatchNorm2d)):
                stack.callback(layer.register_forward_hook(record, prepend=True).remove)
        stack.enter_context(uses)
        try:
            logits = network(_probe())
        except Exception:  # whatever a network from outside raises at this size
            return {}, Counter(), None
    return calls, uses.of, logits


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
