"""The types every room shares: VOID, the smallest image, arrays, and the tensors that travel from file to loss."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from jaxtyping import Float, UInt8
    from torch import Tensor

    Bytes = npt.NDArray[np.uint8]
    """Pixels, labels or classes."""
    Counts = npt.NDArray[np.int64]
    """Whole numbers."""
    Floats = npt.NDArray[np.float64]
    """Scores."""

    Image = UInt8[Tensor, "batch 3 height width"]
    """Red, green, blue, 0..255."""
    Logits = Float[Tensor, "batch num_classes height width"]
    """Unnormalised scores: their softmax is the probability of each class."""
    Target = UInt8[Tensor, "batch height width"]
    """Train id of every pixel, `VOID` where nothing is scored."""
    Scalar = Float[Tensor, ""]
    """A loss."""
else:  # these types are read, not run: a command that only refuses a typo must not wait for NumPy or torch
    Bytes = Counts = Floats = Image = Logits = Target = Scalar = Tensor = Any

Size = tuple[int, int]
"""Height and width."""
Values = dict[str, Any]
"""Plain values by key, nested: what YAML and JSON hold."""

Weights = Literal["raw", "averaged"]
"""Which weights of a checkpoint: those that were trained, or their average, see `segexp.callbacks.ema`."""

Precision = Literal["float32", "bfloat16", "float16"]
"""Of a network's convolutions and products, in which its features are kept too; its weights are float32."""
MemoryFormat = Literal["contiguous", "channels_last"]
"""How images and features lie in memory: channel after channel, or all channels of a pixel together."""

VOID = 255
"""Train id of pixels that cost and score nothing."""
SMALLEST_SIDE = 32
"""Least height and width of an image that networks are given."""


class Sample(NamedTuple):
    """One scene, or a batch of them when collated.

    image: uint8 [3, H, W], red-green-blue, 0..255.
    target: uint8 [H, W] in train ids, VOID where nothing is scored.
    name: unique in its split and stable between runs.
    """

    image: Tensor
    target: Tensor
    name: str


class TrainingLogits(NamedTuple):
    """What a network with auxiliary heads returns in training mode; in evaluation mode it returns the logits alone.

    logits: those that predict [B, C, H, W].
    auxiliary: further logits [B, C, h, w], one for each auxiliary head and in their order. They are trained on the same
    target as the logits, and of no use afterwards.
    boundary: logit [B, 1, h, w] of whether a pixel is at a boundary between two classes, if the network has a head for
    it; `segexp.loss.engine.boundary` says how it is trained.
    `segexp.model.segmenter` brings all of them to the height and width of the image.
    """

    logits: Logits
    auxiliary: Sequence[Logits]
    boundary: Tensor | None = None


class LazySample(Protocol):
    """A scene of which only the pixels that somebody asks for are read."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        ...

    def crop(self, top: int, left: int, height: int, width: int) -> Sample:
        """A rectangle of image and target, which must be of one size."""
        ...

    def whole(self) -> Sample: ...
