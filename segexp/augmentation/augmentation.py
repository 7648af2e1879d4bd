"""A chain of random transforms as a pure function of (seed, epoch, index)."""

from collections.abc import Mapping

import torch
from torch import nn
from torchvision import tv_tensors
from torchvision.transforms import v2

from segexp.seed import seed_of
from segexp.types import VOID, Sample


class Augmentation:
    """Applies torchvision transforms to image and target together.

    transforms: by name, in the order they are applied: any of torchvision.transforms.v2, or of this folder; none at all
        leaves samples as they are.
    seed: of the run. The same (seed, epoch, index) gives the same sample, whatever worker or rank asks.
    """

    def __init__(self, transforms: Mapping[str, nn.Module], seed: int) -> None:
        self.transform = v2.Compose(list(transforms.values())) if transforms else None
        self.seed = seed

    def __call__(self, sample: Sample, epoch: int, index: int) -> Sample:
        if self.transform is None:
            return sample
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed_of(self.seed, epoch, index))
            # Counted from VOID down, so that what a rotation leaves empty, which torchvision fills with 0, is void.
            image, mask = self.transform(tv_tensors.Image(sample.image), tv_tensors.Mask(VOID - sample.target))
        return sample._replace(image=image.as_subclass(torch.Tensor), target=VOID - mask.as_subclass(torch.Tensor))
