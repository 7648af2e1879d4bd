"""Batch norm that is folded changes no value, and whatever cannot be folded is left alone."""

import copy
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from segexp.config.compose import config_folder
from segexp.inference.fold import fold_batch_norm
from segexp.inference.ready import ReadyNetwork
from segexp.model.auxiliary import drop_auxiliary_heads
from segexp.model.reparameterized import merge_branches
from segexp.system.arithmetic import decide
from tests.model.options import OPTIONS, build_model
from tests.options import option_file

LEFT = {"gridnet": 62, "ddrnet23_slim": 12, "pidnet_s": 9}
"""How many remain: they read sums, what was cut to size or pooled, or the image, not a convolution's output alone."""
ENCODERS = ("tu-efficientnet_lite0", "tu-mobilenetv3_small_100", "resnet18", "densenet121")


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.no_grad():
        yield


def trained(network: nn.Module) -> nn.Module:
    """The network with statistics and weights of batch norm as a training leaves them."""
    torch.manual_seed(0)
    for layer in norms(network):
        assert layer.running_mean is not None
        assert layer.running_var is not None
        for values, low, high in (
            (layer.weight, 0.5, 1.5),
            (layer.bias, -0.2, 0.2),
            (layer.running_mean, -0.2, 0.2),
            (layer.running_var, 0.5, 2),
        ):
            values.uniform_(low, high)
    return network.eval()


def norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]


def check_same_logits(network: nn.Module, folded: nn.Module) -> None:
    image = torch.randint(0, 256, (1, 3, 33, 47), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected, logits = network(image), folded(image)
    assert (logits - expected).abs().mean() < 1e-5 * expected.abs().max()  # rounding may move a few features of SegNet


@pytest.mark.parametrize("option", OPTIONS)
def test_every_network_gives_the_same_logits_with_batch_norm_folded(option: str) -> None:
    network = trained(build_model(option, 5))
    drop_auxiliary_heads(network)  # as wherever a network predicts
    merge_branches(network)
    folded = copy.deepcopy(network)
    fold_batch_norm(folded)
    check_same_logits(network, folded)
    in_a_row = [pair for each in folded.modules() if isinstance(each, nn.Sequential) for pair in pairwise(each)]
    assert not [pair for pair in in_a_row if isinstance(pair[0], nn.Conv2d) and isinstance(pair[1], nn.BatchNorm2d)]
    if option_file("model", option).is_relative_to(config_folder()):
        assert len(norms(folded)) == LEFT.get(option, 0)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_gives_the_same_logits_with_batch_norm_folded(encoder: str) -> None:
    network = trained(build_model("unet", 5, encoder=encoder))
    folded = copy.deepcopy(network)
    fold_batch_norm(folded)
    check_same_logits(network, folded)
    assert encoder == "densenet121" or not norms(folded)


class Shared(nn.Module):
    """A convolution and a batch norm. kind: what keeps the one from being folded into the other."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4, track_running_stats=kind != "statistics of the batch")

    def forward(self, image: Tensor) -> Tensor:
        features = self.first(image / 255)
        match self.kind:
            case "features added":
                return features + self.norm(features)
            case "features changed before":
                return self.norm(features.relu_())
            case "convolution used twice":
                return self.norm(self.second(features)) + self.second(features + 1)
            case "norm used twice":
                return self.norm(features) + self.norm(self.second(features))
            case "sizes refused":
                return self.norm(features) if image.shape[-1] == 47 else image.reshape(7)
        return self.norm(features)


class Standardised(nn.Conv2d):
    """Uses another weight than its own."""

    def forward(self, features: Tensor) -> Tensor:  # type: ignore[override]
        return self._conv_forward(features, self.weight / self.weight.std(), self.bias)


KINDS = (
    "features added",
    "features changed before",
    "convolution used twice",
    "norm used twice",
    "statistics of the batch",
    "sizes refused",
)


@pytest.mark.parametrize("kind", KINDS)
def test_batch_norm_that_cannot_be_folded_is_left_alone(kind: str) -> None:
    torch.manual_seed(0)
    network = Shared(kind).eval()
    state = copy.deepcopy(network.state_dict())
    fold_batch_norm(network)
    assert len(norms(network)) == 1
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


def test_a_convolution_that_changes_its_weight_is_left_alone() -> None:
    network = nn.Sequential(Standardised(3, 4, 3), nn.BatchNorm2d(4)).eval()
    network.register_forward_pre_hook(lambda _, given: (given[0] / 255,))
    weight = network[0].weight.clone()
    fold_batch_norm(trained(network))
    assert torch.equal(network[0].weight, weight)
    assert len(norms(network)) == 1


class Entangled(nn.Module):
    """A convolution and a batch norm, of which something else is used than what they return to each other."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        convolution = nn.Conv2d(3, 4, 3, padding=1)
        wrappers: dict[str, Any] = {
            "weight norm": parametrizations.weight_norm,
            "spectral norm": parametrizations.spectral_norm,
        }
        wrappers["weight norm of old"] = torch.nn.utils.weight_norm
        self.first: nn.Conv2d = wrappers[kind](convolution) if kind in wrappers else convolution
        self.norm = nn.BatchNorm2d(4)
        if kind == "two names":
            self.other_name = self.norm
        self.layers = [self.first, self.norm]
        if kind == "hook":
            self.first.register_forward_hook(lambda _, given, output: setattr(self, "seen", output.relu()))

    def forward(self, image: Tensor) -> Tensor:
        image = image / 255
        features = self.first(image)
        match self.kind:
            case "weight used twice":
                return functional.conv_transpose2d(self.norm(features), self.first.weight, padding=1)
            case "layer passed by":
                return self.norm(features) + self.first.forward(image)
            case "hook":
                return self.norm(features) + self.seen
            case "two names":
                return self.other_name(features)
            case "list":
                return self.layers[1](self.layers[0](image))
            case "kind of layer":
                return self.norm(features) * (2 if isinstance(self.norm, nn.BatchNorm2d) else 1)
            case "statistics":
                assert self.norm.running_mean is not None
                return self.norm(features) + self.norm.running_mean[:, None, None]
        return self.norm(features)


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(
    "kind",
    [
        "weight used twice",
        "layer passed by",
        "hook",
        "two names",
        "list",
        "kind of layer",
        "statistics",
        "weight norm",
        "weight norm of old",
        "spectral norm",
    ],
)
def test_logits_are_the_same_whatever_else_a_network_does_with_its_layers(kind: str) -> None:
    torch.manual_seed(0)
    network, folded = trained(Entangled(kind)), trained(Entangled(kind))
    folded.load_state_dict(network.state_dict())
    fold_batch_norm(folded)
    check_same_logits(network, folded)


def test_batch_norm_that_stays_in_training_is_left_alone() -> None:
    network = trained(Shared("plain"))
    norms(network)[0].train()
    fold_batch_norm(network)
    assert len(norms(network)) == 1


def test_a_network_in_plain_single_precision_is_not_folded() -> None:
    for memory_format, left in (("contiguous", 1), ("channels_last", 0)):
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
        network.register_forward_pre_hook(lambda _, given: (given[0] / 255,))
        ready = ReadyNetwork(network, decide("float32", memory_format, torch.device("cpu")))  # type: ignore[arg-type]
        assert len(norms(ready)) == left
