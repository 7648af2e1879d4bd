"""How a network is run on whole images: windows, views, precision and memory format."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from segexp.config.schema import Allowed, Settings, Size, Tuple, shown
from segexp.types import MemoryFormat, Precision, Values

PRECISIONS: tuple[str, ...] = get_args(Precision)
Blending = Literal["gaussian", "trimmed", "uniform"]
Stride = Annotated[
    tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]], Tuple, Allowed("[height, width], each at least 1")
]
Scales = Annotated[
    tuple[Annotated[float, Field(ge=0.1, le=10)], ...],
    Field(min_length=1),
    Tuple,
    Allowed("a list of numbers from 0.1 to 10, such as [0.75,1,1.25]"),
]


class Inference(Settings):
    """The way a network is run on an image; without arguments, it is run once on the whole image.

    window: [height, width] of the windows in pixels of the image, which the network sees at the scale of its training;
    None for the whole image. stride: from one window to the next, None for half a window.
    blending: the weights of overlapping windows: gaussian around their middle,
    trimmed by their outer half of the overlap, or uniform.
    scales, flip: sizes at which the image is seen, and whether mirrored too; probabilities are averaged.
    """

    window: Size | None = None
    stride: Stride | None = None
    blending: Blending = "gaussian"
    scales: Scales = (1.0,)
    flip: bool = False

    @model_validator(mode="after")
    def _stride_needs_a_window(self) -> Self:
        if self.stride and (not self.window or any(s > w for s, w in zip(self.stride, self.window, strict=True))):
            raise ValueError(
                f"stride is {shown(self.stride)} and window is {shown(self.window)}; allowed: a stride no "
                "larger than the window; set window, or leave stride out"
            )
        return self

    def non_default_values(self) -> Values:
        """The settings that differ from running the network once on the whole image, as plain values."""
        fields = set(Inference.model_fields)
        ours, plain = (each.model_dump(mode="json", include=fields) for each in (self, Inference()))
        return {key: value for key, value in ours.items() if value != plain[key]}


class InferenceSettings(Inference):
    """The keys of every command that segments images: how the network is run, and how it computes.

    precision, memory_format: see `Arithmetic`; auto for the fastest on the device, see `segexp.system.arithmetic`.
    """

    precision: Literal["auto", Precision]
    memory_format: Literal["auto", MemoryFormat]
