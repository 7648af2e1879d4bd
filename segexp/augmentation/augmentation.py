"""A chain of random transforms as a pure function of (seed, epoch, index)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn
from torchvision import tv_tensors

from segexp.system.seed import seed_of
from segexp.types import LazySample, Sample


@runtime_checkable
class RectangleTransform(Protocol):
    """A transform that needs only one rectangle of its input; as the first of a chain, only that is read of a scene."""

    def draw(self, height: int, width: int) -> dict[str, Any]:
        """Draw parameters for an input of this size, among them the rectangle's top, left, height and width."""
        ...

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any: ...


class Augmentation:
    """Apply torchvision transforms to image and target together.

    transforms: by name, in the order they are applied: any of torchvision.transforms.v2, or of this package; an empty
        mapping leaves samples unchanged.
    seed: of the run. The same (seed, epoch, index) gives the same sample in every worker and on every rank.
    """

    def __init__(self, transforms: Mapping[str, nn.Module], seed: int) -> None:
        self.transforms = list(transforms.values())
        self.seed = seed
        self.starts_with_rectangle = isinstance(next(iter(self.transforms), None), RectangleTransform)

    def __call__(self, sample: Sample, epoch: int, index: int) -> Sample:
        if not self.transforms:
            return sample
        with self._seeded(epoch, index):
            return _apply(self.transforms, sample)

    def read(self, scene: LazySample, epoch: int, index: int) -> Sample:
        """Compute the sample that the whole scene would give, reading only the pixels needed for it."""
        if not self.starts_with_rectangle:
            return self(scene.whole(), epoch, index)
        first: Any = self.transforms[0]
        with self._seeded(epoch, index):
            params = first.draw(*scene.size)
            window = scene.crop(*(params[side] for side in ("top", "left", "height", "width")))
            params_in_window = {**params, "top": 0, "left": 0}
            return _apply([_FixedTransform(first, params_in_window), *self.transforms[1:]], window)

    @contextmanager
    def _seeded(self, epoch: int, index: int) -> Iterator[None]:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed_of(self.seed, epoch, index))
            yield


class _FixedTransform:
    """A transform whose parameters are drawn already."""

    def __init__(self, transform: RectangleTransform, params: dict[str, Any]) -> None:
        self.transform, self.params = transform, params

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        return tuple(self.transform.transform(each, self.params) for each in inputs)


def _apply(transforms: Sequence[Any], sample: Sample) -> Sample:
    # Transforms see VOID - target, so that corners that a rotation leaves empty, which torchvision fills with 0, are
    # void. As VOID is 255, bitwise_not computes that, in a fifth of the time of a subtraction.
    pair = tv_tensors.Image(sample.image), tv_tensors.Mask(sample.target.bitwise_not())
    for transform in transforms:
        pair = transform(*pair)
    image, mask = (each.as_subclass(torch.Tensor) for each in pair)
    return sample._replace(image=image, target=mask.bitwise_not())
