"""What an exported file takes and what it gives."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from segexp.export.settings import ExportSettings, Input, Result
from segexp.inference.segment import Network
from segexp.types import Image, Size


@dataclass(frozen=True)
class Interface:
    """The sides of an exported file.

    input: of one image: uint8, 0 to 255; float32, 0 to 1; or normalised, float32 from which whoever calls the file has
    subtracted the mean and which is divided by the standard deviation.
    result: logits float32 [B, C, H, W], or class_ids uint8 [B, H, W].
    fixed_size: [H, W] of the only image that it takes, None for any number of images of any size.
    mean, std: of the network [1, 3, 1, 1], None if it has none; for input=normalised.
    """

    input: Input = "uint8"
    result: Result = "logits"
    fixed_size: Size | None = None
    mean: Tensor | None = None
    std: Tensor | None = None

    def prepare(self, image: Image) -> Tensor:
        """Images uint8 [B, 3, H, W] as the file takes them."""
        if self.input == "uint8":
            return image
        fraction = image.float() / 255
        if self.input == "float32":
            return fraction
        assert self.mean is not None
        assert self.std is not None
        return (fraction - self.mean) / self.std

    def feed(self, network: Network) -> Network:
        """Give a network in a file images as segexp has them, uint8 [B, 3, H, W]."""
        return lambda image: network(self.prepare(image))

    def inner_network(self, model: nn.Module) -> nn.Module:
        """The network that computes the result from the input; the model itself if it does so already."""
        if self.input == "normalised":
            model = copy.deepcopy(model)
            model.mean.zero_()  # type: ignore[operator]
            model.std.fill_(1)  # type: ignore[operator]
        return _ClassIds(model) if self.result == "class_ids" else model


DEFAULT = Interface()
"""Images uint8 of any size -> logits, as the network itself."""


def interface_of(settings: ExportSettings, model: nn.Module) -> Interface:
    """What the settings ask for. Raises ValueError for input=normalised and a network without mean and std."""
    mean, std = (getattr(model, name, None) for name in ("mean", "std"))
    if settings.input == "normalised" and not (isinstance(mean, Tensor) and isinstance(std, Tensor)):
        raise ValueError(
            f"input is 'normalised', and {type(model).__name__} has no buffers mean and std to leave out; allowed: "
            "uint8, float32; or build the network as segexp.model.segmenter.Segmenter"
        )
    return Interface(settings.input, settings.result, settings.fixed_size, mean, std)


class _ClassIds(nn.Module):
    """The most likely class of every pixel, uint8 [B, H, W]."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return self.model(image).argmax(1).to(torch.uint8)
