"""A trained network, ready, on every device that serves it."""

import copy

import torch
from torch import nn

from segexp.inference.predictor import Predictor
from segexp.inference.settings import Inference
from segexp.types import Size


def replicate(
    model: nn.Module, image_size: Size | None, inference: Inference, devices: list[torch.device]
) -> list[Predictor]:
    """Make one predictor for each device, with weights of its own."""
    copies = [model, *(copy.deepcopy(model) for _ in devices[1:])]
    return [
        Predictor(each.to(device), image_size, inference, device) for each, device in zip(copies, devices, strict=True)
    ]
