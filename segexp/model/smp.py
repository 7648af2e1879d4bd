"""Any architecture of segmentation_models_pytorch (smp) by its arguments: U-Net, PSPNet, DeepLabV3+, FPN, ..."""

from collections.abc import Sequence
from typing import Any

import segmentation_models_pytorch
import torch
from segmentation_models_pytorch.base import SegmentationModel
from torch import nn

from segexp.model.encoder import Tag, with_weights
from segexp.model.segmenter import IMAGENET_MEAN, IMAGENET_STD, Segmenter


def smp(
    num_classes: int,
    architecture: str,
    encoder: str,
    weights: str | None,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    **options: Any,
) -> Segmenter:
    """Build a network of smp that takes images of any size.

    architecture: class in smp: Unet, PSPNet, DeepLabV3Plus, FPN, MAnet, ...
    encoder, weights: see `segexp.model.encoder.with_weights`.
    mean, std: of the images that the weights were trained with, per channel in units of 0..1.
    options: further arguments of the architecture, as smp documents them.
    Raises ValueError for an unknown architecture, and the errors of `with_weights`.
    Different from smp: parameters of the encoder that the architecture never uses (encoder_depth below 5) do not
    require a gradient, because DistributedDataParallel waits for every gradient that is required.
    """
    known = segmentation_models_pytorch.MODEL_ARCHITECTURES_MAPPING
    if architecture.lower() not in known:
        names = ", ".join(sorted(known[name].__name__ for name in known))
        raise ValueError(f"model.architecture: smp has no {architecture!r}; allowed: {names}; set model.architecture")

    def build(tag: Tag) -> SegmentationModel:
        create = known[architecture.lower()]
        return create(encoder_name=encoder, encoder_weights=tag, classes=num_classes, **options)

    network = with_weights(build, encoder, weights)
    _freeze_unused(network)
    return Segmenter(network, stride=int(network.encoder.output_stride), mean=mean, std=std)


def _freeze_unused(network: nn.Module) -> None:
    network.eval()  # so that the probe changes no running statistics and draws no random number
    with torch.enable_grad():
        network(torch.zeros(1, 3, 64, 64)).sum().backward()
    for parameter in network.parameters():
        parameter.requires_grad_(parameter.grad is not None)
    network.zero_grad()
    network.train()
