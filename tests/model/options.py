"""Every model of conf/model, built as the product builds them."""

import copy
import functools
from typing import Any

import torch
from torch import Tensor, nn

from segexp import build
from segexp.model.fcn8 import fcn8
from segexp.model.segmenter import Segmenter
from segexp.types import TrainingLogits
from tests.options import option_settings, options

OPTIONS = options("model")
SMALLER: dict[str, Any] = {
    "encoder": {"resnet34": "tu-test_resnet", "vgg16_bn": "vgg11_bn", "mit_b0": "mit_b0"},
    "streams": [8, 16],
    "num_columns_down": 2,
    "num_columns_up": 2,
    "widths": [16, 16, 32, 32, 32],
    "num_convolutions": [1, 1, 1, 1, 1],
    "num_blocks": [1, 1, 1, 1, 1],
    "decoder_widths": [16, 16, 16],
    "num_features": 32,
    "total_dropout": 0.0,
    "decoder_channels": 32,
    "decoder_dropout": 0.0,
    "width": 8,
    "context_width": 16,
    "head_width": 16,
}
"""Settings of quick networks, for options that have these keys; of an encoder by the one that it replaces."""


def build_model(option: str, num_classes: int, **overrides: Any) -> Segmenter:
    """Build the model of conf/model/<option>.yaml with random weights, downloading nothing."""
    config = option_settings("model", option)
    if "weights" in config:
        config["weights"] = None
    return build.part(config | overrides, {"num_classes": lambda: num_classes})


def heads_switched_on(option: str) -> dict[str, Any]:
    """Overrides that give the model of conf/model/<option>.yaml auxiliary heads; none where no key of it does."""
    return {"auxiliary_stages": [4]} if "auxiliary_stages" in option_settings("model", option) else {}


def all_logits(output: TrainingLogits) -> list[Tensor]:
    """The logits of every head: those that predict, the auxiliary ones, and those of boundaries if there are any."""
    boundary = [] if output.boundary is None else [output.boundary]
    return [output.logits, *output.auxiliary, *boundary]


def random_fcn8(**arguments: Any) -> Segmenter:
    """A small FCN-8s of 5 classes; without torchvision's own draws, 120 M of them for layers that are then removed."""
    with torch.device("meta"):
        network = fcn8(5, "vgg11", None, **arguments).network.to_empty(device="cpu")
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.05)
    return Segmenter(network, 32)


def smaller(option: str) -> dict[str, Any]:
    """Overrides that make the model of conf/model/<option>.yaml quick, and its features not random in training."""
    settings = option_settings("model", option)
    found = {key: value for key, value in SMALLER.items() if key in settings}
    return found | ({"encoder": SMALLER["encoder"][settings["encoder"]]} if "encoder" in found else {})


def small_model(option: str, num_classes: int) -> Segmenter:
    """The model of conf/model/<option>.yaml made quick by `smaller`, always with the same weights; built once."""
    return copy.deepcopy(_built(option, num_classes))


@functools.cache
def _built(option: str, num_classes: int) -> Segmenter:
    torch.manual_seed(0)
    return build_model(option, num_classes, **smaller(option))
