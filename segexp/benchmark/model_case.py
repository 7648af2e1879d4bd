"""A case of the suite models: one network at one size and batch, run by one backend in one precision."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from segexp.benchmark.settings import BACKENDS, ModelsSettings
from segexp.inference.settings import PRECISIONS
from segexp.types import Precision, Size, Values


@dataclass(frozen=True)
class ModelCase:
    """model: an option of conf/model. size: [height, width]. precision: of PRECISIONS. backend: of BACKENDS."""

    model: str
    size: Size
    batch: int
    precision: Precision
    backend: str

    @property
    def reference(self) -> "ModelCase":
        """The case that others of the same model and size are compared with: one image at a time by eager torch."""
        return ModelCase(self.model, self.size, 1, "float32", BACKENDS[0])

    @property
    def num_pixels(self) -> int:
        return self.batch * self.size[0] * self.size[1]

    def key(self) -> Values:
        """The values by which a record names its case."""
        return {**vars(self), "size": f"{self.size[0]}x{self.size[1]}"}

    def __str__(self) -> str:
        return " ".join(f"batch {value}" if name == "batch" else str(value) for name, value in self.key().items())


def every_case(models: Sequence[str], settings: ModelsSettings) -> Iterator[ModelCase]:
    """Every combination: small sizes and batches first, the reference of a model and size before all others of them."""
    sizes = sorted(set(settings.sizes), key=lambda size: size[0] * size[1])
    precisions = sorted(set(settings.precisions), key=PRECISIONS.index)
    backends = sorted(set(settings.backends), key=BACKENDS.index)
    combinations = product(sizes, sorted(set(settings.batches)), models, precisions, backends)
    for size, batch, model, precision, backend in combinations:
        yield ModelCase(model, size, batch, precision, backend)
