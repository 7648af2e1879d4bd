"""How a network is asked for the classes of whole images."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from segexp.types import SMALLEST_SIDE, Size

BLENDINGS = ("gaussian", "trimmed", "uniform")
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Inference:
    """What is done to an image beside running the network on it once.

    window: [height, width] of the pieces that the network sees, None for the whole image. stride: from one piece to the
    next, None for half of it. blending: how overlapping pieces are weighted: by a Gaussian around their middle, by
    trimming their outer half of the overlap, or all alike.
    scales, flip: sizes at which the image is seen, and whether mirrored too; probabilities are averaged.
    precision: of the network's arithmetic.
    Raises ValueError for what none of them can be.
    """

    window: Size | None = None
    stride: Size | None = None
    blending: str = "gaussian"
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    precision: str = "float32"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Inference":
        """From a configuration's values, lists for tuples."""
        given: dict[str, Any] = {field.name: values[field.name] for field in fields(cls)}
        given |= {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
        return cls(**given)

    def __post_init__(self) -> None:
        for name, size in (("window", self.window), ("stride", self.stride)):
            least = SMALLEST_SIDE if name == "window" else 1
            if size is not None and not _is_size(size, least):
                raise ValueError(f"{name} is {_shown(size)}; needed is [height, width], each at least {least}, or null")
        if self.stride and (not self.window or any(s > w for s, w in zip(self.stride, self.window, strict=True))):
            raise ValueError(f"stride is {_shown(self.stride)}; it needs a window that is nowhere smaller")
        for name, value, allowed in (
            ("blending", self.blending, BLENDINGS),
            ("precision", self.precision, PRECISIONS),
            ("flip", self.flip, (True, False)),
        ):
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; allowed: {', '.join(map(str, allowed))}")
        if not _are_scales(self.scales):
            raise ValueError(f"scales is {_shown(self.scales)}; needed are numbers from 0.1 to 10, e.g. [0.75,1,1.25]")

    def changed(self) -> dict[str, Any]:
        """Settings that are not the default, as plain values."""
        ours, usual = asdict(self), asdict(Inference())
        return {key: _plain(value) for key, value in ours.items() if value != usual[key]}


def _is_size(size: Any, least: int) -> bool:
    return isinstance(size, tuple) and len(size) == 2 and all(type(side) is int and side >= least for side in size)


def _are_scales(scales: Any) -> bool:
    return (
        isinstance(scales, Sequence)
        and not isinstance(scales, str)
        and len(scales) > 0
        and all(type(scale) in (int, float) and 0.1 <= scale <= 10 for scale in scales)
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    return repr(_plain(value))
