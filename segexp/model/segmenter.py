"""The module that wraps every network: raw image in, logits of the same height and width out."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segexp.model.auxiliary import split_output
from segexp.types import SMALLEST_SIDE, Image, Logits, Size, TrainingLogits

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Segmenter(nn.Module):
    """Normalise the image, pad it to the network's stride, run the network, crop its logits back.

    network: maps a normalised image [B, 3, H, W] to logits [B, num_classes, H / coarseness, W / coarseness] if stride
        divides H and W; in training mode to `TrainingLogits` if it has auxiliary heads, see `segexp.model.auxiliary`.
    mean, std: per channel (red, green, blue) in units of 0..1; buffers, so training, serving and export agree.
    stride: what H and W must be a multiple of for the network; 1 if any size will do.
    smallest: what H and W must be at least for the network.
    coarseness: how many times smaller its logits are than its image; they are enlarged here, bilinearly.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        stride: int,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        smallest: int = SMALLEST_SIDE,
        coarseness: int = 1,
    ) -> None:
        super().__init__()
        self.network = network
        self.stride = stride
        self.smallest = smallest
        self.coarseness = coarseness
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    @property
    def encoder(self) -> nn.Module:
        """The part that takes pretrained weights and that transfer learning freezes; ValueError if there is none."""
        encoder = getattr(self.network, "encoder", None)
        if encoder is None:
            name = type(self.network).__name__
            raise ValueError(
                f"{name} has no encoder to freeze or to load weights into; choose a model that has one: model=unet"
            )
        return encoder

    def forward(self, image: Image) -> Logits | TrainingLogits:
        """Compute logits [B, num_classes, H, W] in the precision of the network; the softmax is left to the loss.

        image: red-green-blue [B, 3, H, W], H and W at least 32; uint8 0..255, or floating point 0..1.
        In training mode a network with auxiliary heads returns `TrainingLogits`, all of them [H, W] large.
        Raises ValueError for any other type or shape.
        """
        height, width = image.shape[-2:]
        if not self.training:
            logits, size = self.coarse(image)
            return self._enlarged(logits, size)[..., :height, :width]
        _check(image)
        padded = self._pad(self._normalise(image))
        logits, auxiliary, boundary = split_output(self.network(padded), self.network)
        logits = self._enlarged(logits, padded.shape[-2:])[..., :height, :width]
        if not auxiliary and boundary is None:
            return logits

        def resized(each: Tensor) -> Tensor:
            return _resized(each, padded.shape[-2:])[..., :height, :width]

        return TrainingLogits(logits, [*map(resized, auxiliary)], None if boundary is None else resized(boundary))

    def coarse(self, image: Image) -> tuple[Logits, Size]:
        """Compute the logits as the network gives them, and the height and width that they must be enlarged to.

        The image is the upper left part of that: without padding it is all of it. For predictions alone.
        """
        _check(image)
        padded = self._pad(self._normalise(image))
        return self.network(padded), (padded.shape[-2], padded.shape[-1])

    def _enlarged(self, logits: Logits, size: Sequence[int]) -> Logits:
        return logits if self.coarseness == 1 else _resized(logits, size)

    def _normalise(self, image: Tensor) -> Tensor:
        fraction = image.to(self.mean.dtype) / 255 if image.dtype == torch.uint8 else image.to(self.mean.dtype)
        return (fraction - self.mean) / self.std

    def _pad(self, image: Tensor) -> Tensor:
        # The border is replicated: zeros would draw an edge that is not in the scene. Sizes that fit take the same
        # path with no rows added, so that an exported graph serves every size.
        if self.stride == 1 and self.smallest <= SMALLEST_SIDE:
            return image
        height, width = image.shape[-2:]
        below, right = (self._padded(side) - side for side in (height, width))
        return F.pad(image, (0, right, 0, below), mode="replicate")

    def _padded(self, side: int) -> int:
        multiple = _next_multiple(side, self.stride)
        if self.smallest <= SMALLEST_SIDE:
            return multiple
        return torch.sym_max(multiple, _next_multiple(self.smallest, self.stride))


def _resized(logits: Logits, size: Sequence[int]) -> Logits:
    return F.interpolate(logits, size=list(size), mode="bilinear")


def _next_multiple(size: int, stride: int) -> int:
    return (size + stride - 1) // stride * stride  # not with %: torch.export must see that stride divides the result


def _check(image: Tensor) -> None:
    allowed = f"uint8 0..255 or floating point 0..1, [batch, 3, height, width], sides of {SMALLEST_SIDE} or more"
    allowed_type = image.dtype == torch.uint8 or image.is_floating_point()
    if not allowed_type or image.ndim != 4 or image.shape[1] != 3:
        raise ValueError(f"image: found {image.dtype} {list(image.shape)}; allowed: {allowed}; convert it first")
    if image.shape[2] < SMALLEST_SIDE or image.shape[3] < SMALLEST_SIDE:
        raise ValueError(f"image: found {list(image.shape)}; allowed: {allowed}; enlarge or pad it first")
