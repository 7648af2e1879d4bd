"""Context of the whole scene from few pixels: the coarsest features, pooled at ever larger scales and joined again."""

import torch
from torch import Tensor, nn

from segexp.model.residual import enlarge, norm_conv

NUM_LEVELS = 5


class Levels(nn.Module):
    """Features [B, num_features, H, W] -> 5 tensors [B, width, H, W], each with a 1x1 convolution of its own.

    Unpooled, averaged over 5x5, 9x9 and 17x17 pixels, and over all: the last one is [B, width, 1, 1], to be broadcast.
    """

    def __init__(self, num_features: int, width: int) -> None:
        super().__init__()
        poolings = [nn.AvgPool2d(2 * stride + 1, stride, padding=stride) for stride in (2, 4, 8)]
        self.unpooled = norm_conv(num_features, width, 1)
        self.pooled = nn.ModuleList(nn.Sequential(pool, *norm_conv(num_features, width, 1)) for pool in poolings)
        self.whole = norm_conv(num_features, width, 1)

    def forward(self, features: Tensor) -> list[Tensor]:
        pooled = [enlarge(level(features), features) for level in self.pooled]
        return [self.unpooled(features), *pooled, self.whole(features.mean((2, 3), keepdim=True))]


class DAPPM(nn.Module):
    """Deep aggregation pyramid pooling: each level is added to the sum of the finer ones and convolved, in a row.

    Maps features [B, num_features, H, W] to [B, num_outputs, H, W]. width: channels of a level.
    Source: Hong et al. 2021, arXiv:2101.06085.
    """

    def __init__(self, num_features: int, width: int, num_outputs: int) -> None:
        super().__init__()
        self.levels = Levels(num_features, width)
        self.aggregate = nn.ModuleList(norm_conv(width, width, 3) for _ in range(NUM_LEVELS - 1))
        self.compress = norm_conv(NUM_LEVELS * width, num_outputs, 1)
        self.shortcut = norm_conv(num_features, num_outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        finest, *coarser = self.levels(features)
        joined = [finest]
        for level, aggregate in zip(coarser, self.aggregate, strict=True):
            joined.append(aggregate(joined[-1] + level))
        return self.compress(torch.cat(joined, 1)) + self.shortcut(features)


class PAPPM(nn.Module):
    """Parallel aggregation pyramid pooling: each level is added to the unpooled one; one grouped convolution for all.

    Maps features [B, num_features, H, W] to [B, num_outputs, H, W]. width: channels of a level.
    Source: Xu et al. 2023, arXiv:2206.02066.
    """

    def __init__(self, num_features: int, width: int, num_outputs: int) -> None:
        super().__init__()
        num_pooled = NUM_LEVELS - 1
        self.levels = Levels(num_features, width)
        self.aggregate = norm_conv(num_pooled * width, num_pooled * width, 3, groups=num_pooled)
        self.compress = norm_conv(NUM_LEVELS * width, num_outputs, 1)
        self.shortcut = norm_conv(num_features, num_outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        unpooled, *pooled = self.levels(features)
        aggregated = self.aggregate(torch.cat([unpooled + level for level in pooled], 1))
        return self.compress(torch.cat([unpooled, aggregated], 1)) + self.shortcut(features)
