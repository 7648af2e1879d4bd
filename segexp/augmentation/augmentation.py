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
class TakesRectangle(Protocol):
    """A transform that looks at one rectangle of its input: as the first of a chain, all that is read of a scene."""

    def draw(self, height: int, width: int) -> dict[str, Any]:
        """Parameters for an input of this size; among them the rectangle's top, left, height and width."""
        ...

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any: ...


class Augmentation:
    """Applies torchvision transforms to image and target together.

    transforms: by name, in the order they are applied: any of torchvision.transforms.v2, or of this folder; none at all
        leaves samples as they are.
    seed: of the run. The same (seed, epoch, index) gives the same sample, whatever worker or rank asks.
    """

    def __init__(self, transforms: Mapping[str, nn.Module], seed: int) -> None:
        self.transforms = list(transforms.values())
        self.seed = seed
        self.takes_rectangle = isinstance(next(iter(self.transforms), None), TakesRectangle)

    def __call__(self, sample: Sample, epoch: int, index: int) -> Sample:
        if not self.transforms:
            return sample
        with self._draws_of(epoch, index):
            return _applied(self.transforms, sample)

    def read(self, scene: LazySample, epoch: int, index: int) -> Sample:
        """The sample that the whole scene would give, of no more pixels than are needed for it."""
        if not self.takes_rectangle:
            return self(scene.whole(), epoch, index)
        first: Any = self.transforms[0]
        with self._draws_of(epoch, index):
            params = first.draw(*scene.size)
            window = scene.crop(*(params[side] for side in ("top", "left", "height", "width")))
            inside = {**params, "top": 0, "left": 0}
            return _applied([_Drawn(first, inside), *self.transforms[1:]], window)

    @contextmanager
    def _draws_of(self, epoch: int, index: int) -> Iterator[None]:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed_of(self.seed, epoch, index))
            yield


class _Drawn:
    """A transform whose parameters are known."""

    def __init__(self, transform: TakesRectangle, params: dict[str, Any]) -> None:
        self.transform, self.params = transform, params

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        return tuple(self.transform.transform(each, self.params) for each in inputs)


def _applied(transforms: Sequence[Any], sample: Sample) -> Sample:
    # Counted from VOID down, so that what a rotation leaves empty, which torchvision fills with 0, is void. As VOID is
    # 255, bitwise_not does that, in a fifth of the time of a subtraction.
    pair = tv_tensors.Image(sample.image), tv_tensors.Mask(sample.target.bitwise_not())
    for transform in transforms:
        pair = transform(*pair)
    image, mask = (each.as_subclass(torch.Tensor) for each in pair)
    return sample._replace(image=image, target=mask.bitwise_not())
