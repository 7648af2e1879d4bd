"""What can be measured of a network: at which sizes and batches, run by what, in which precision."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from segexp.inference.settings import PRECISIONS
from segexp.types import SMALLEST_SIDE, Size

BACKENDS = ("eager", "compiled", "onnxruntime")


@dataclass(frozen=True)
class Case:
    """model: an option of conf/model. size: [height, width]. backend: of BACKENDS. precision: of PRECISIONS."""

    model: str
    size: Size
    batch: int
    precision: str
    backend: str

    @property
    def reference(self) -> "Case":
        """What others of the same model and size are held against: torch as it comes, one image at a time."""
        return Case(self.model, self.size, 1, PRECISIONS[0], BACKENDS[0])

    @property
    def num_pixels(self) -> int:
        return self.batch * self.size[0] * self.size[1]

    def key(self) -> dict[str, Any]:
        return {**vars(self), "size": f"{self.size[0]}x{self.size[1]}"}

    def __str__(self) -> str:
        return " ".join(f"batch {value}" if name == "batch" else str(value) for name, value in self.key().items())


def cases(
    options: Sequence[str],
    sizes: Sequence[Any],
    batches: Sequence[Any],
    precisions: Sequence[str],
    backends: Sequence[str],
) -> Iterator[Case]:
    """Every combination: small before large, the reference of a model and size before what is held against it.

    Raises ValueError for what cannot be measured.
    """
    for size in sizes:
        if not isinstance(size, Sequence) or len(size) != 2 or not all(_is_count(side, SMALLEST_SIDE) for side in size):
            raise ValueError(f"models.sizes has {size!r}; needed is [height, width], each at least {SMALLEST_SIDE}")
    for batch in batches:
        if not _is_count(batch, 1):
            raise ValueError(f"models.batches has {batch!r}; needed are whole numbers from 1")
    for name, found, allowed in (("backends", backends, BACKENDS), ("precisions", precisions, PRECISIONS)):
        unknown = [each for each in found if each not in allowed]
        if unknown:
            raise ValueError(f"models.{name} has {unknown}; allowed: {', '.join(allowed)}")
    by_area = sorted({(int(height), int(width)) for height, width in sizes}, key=lambda size: size[0] * size[1])
    ways = [sorted(set(precisions), key=PRECISIONS.index), sorted(set(backends), key=BACKENDS.index)]
    for size, batch, model, precision, backend in product(by_area, sorted(set(batches)), options, *ways):
        yield Case(model, size, batch, precision, backend)


def _is_count(value: Any, least: int) -> bool:
    return type(value) is int and value >= least
