"""GridNet: streams of different resolution (rows) that exchange features in every column."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from segexp.model.segmenter import Segmenter
from segexp.types import Logits

Layer = Callable[[int, int], nn.Module]


def gridnet(
    num_classes: int, streams: Sequence[int], num_columns_down: int, num_columns_up: int, total_dropout: float
) -> Segmenter:
    """Build a fresh GridNet for images of any size; see the class for the arguments."""
    return Segmenter(GridNet(num_classes, streams, num_columns_down, num_columns_up, total_dropout), stride=1)


class GridNet(nn.Module):
    """A grid of residual blocks: columns first send features down to coarser streams, then up to finer ones.

    streams: channels of each row; each row has half the resolution of the one above (rounded up).
    num_columns_down: columns that send features down, at least 1; the first of them creates the coarser streams.
    num_columns_up: columns that send features up, at least 1.
    total_dropout: probability in [0, 1) that a residual block is the identity for one sample of a training batch.
    Raises ValueError for arguments outside these ranges.
    Source: Fourure et al. 2017, arXiv:1707.07958, and the authors' Lua code; the paper's grid is
    (16, 32, 64, 128, 256), 3 + 3 columns. Different here:
    - total dropout is drawn per sample, not once per batch: no draw switches a block off for every rank and sample,
      and ranks need not agree. What remains is divided by 1 - total_dropout, so that evaluation sees the same mean.
    - sizes need not be 16m + 1: what is upsampled is cut to the size of the stream that it joins.
    """

    def __init__(
        self, num_classes: int, streams: Sequence[int], num_columns_down: int, num_columns_up: int, total_dropout: float
    ) -> None:
        super().__init__()
        _check(streams, num_columns_down, num_columns_up, total_dropout)
        finest = streams[0]
        self.entry = nn.Sequential(
            nn.BatchNorm2d(3), _conv(3, finest), *_activate(finest), _conv(finest, finest), *_activate(finest)
        )
        self.first_column = nn.ModuleList(_subsampling(*pair) for pair in pairwise(streams))
        self.columns_down = nn.ModuleList(DownColumn(streams, total_dropout) for _ in range(num_columns_down - 1))
        layers = [_conv] + [Deconvolution] * (num_columns_up - 1)
        self.columns_up = nn.ModuleList(UpColumn(streams, layer, total_dropout) for layer in layers)
        self.exit = nn.Sequential(
            Deconvolution(finest, num_classes),
            *_activate(num_classes),
            Deconvolution(num_classes, num_classes),
            nn.BatchNorm2d(num_classes),
        )

    def forward(self, image: Tensor) -> Logits:
        features = [self.entry(image)]
        for subsampling in self.first_column:
            features.append(subsampling(features[-1]))
        for column in [*self.columns_down, *self.columns_up]:
            features = column(features)
        return self.exit(features[0])


class Residual(nn.Module):
    """Compute features + branch(features), where training drops whole branches: "total dropout"."""

    def __init__(self, branch: nn.Module, total_dropout: float) -> None:
        super().__init__()
        self.branch = branch
        self.dropout = StochasticDepth(total_dropout, mode="row")

    def forward(self, features: Tensor) -> Tensor:
        return features + self.dropout(self.branch(features))


class DownColumn(nn.Module):
    """Add to the residual block of every stream what the finer stream of this column sends down."""

    def __init__(self, streams: Sequence[int], total_dropout: float) -> None:
        super().__init__()
        self.residuals = nn.ModuleList(Residual(_block(size, _conv), total_dropout) for size in streams)
        self.subsamplings = nn.ModuleList(_subsampling(*pair) for pair in pairwise(streams))

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        joined = [residual(feature) for residual, feature in zip(self.residuals, features, strict=True)]
        for stream, subsampling in enumerate(self.subsamplings):
            joined[stream + 1] = joined[stream + 1] + subsampling(joined[stream])
        return joined


class UpColumn(nn.Module):
    """Add to the residual block of every stream what the coarser stream of this column sends up."""

    def __init__(self, streams: Sequence[int], layer: Layer, total_dropout: float) -> None:
        super().__init__()
        self.residuals = nn.ModuleList(Residual(_block(size, layer), total_dropout) for size in streams)
        self.upsamplings = nn.ModuleList(Upsampling(coarse, fine) for fine, coarse in pairwise(streams))

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        joined = [residual(feature) for residual, feature in zip(self.residuals, features, strict=True)]
        for stream in reversed(range(len(self.upsamplings))):
            size = joined[stream].shape[-2:]
            joined[stream] = joined[stream] + self.upsamplings[stream](joined[stream + 1], size)
        return joined


class Deconvolution(nn.ConvTranspose2d):
    """A transposed 3x3 convolution of stride 1 on [B, C, H, W], computed as the ordinary convolution that it equals.

    The weight [num_inputs, num_outputs, 3, 3] is that of the transposed one, in checkpoints and when it is drawn.
    """

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__(num_inputs, num_outputs, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:  # type: ignore[override]
        return F.conv2d(features, self.weight.flip(2, 3).transpose(0, 1), self.bias, padding=1)


class Upsampling(nn.Module):
    """Double the resolution, then cut to the given (height, width)."""

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        enlarge = nn.ConvTranspose2d(num_inputs, num_outputs, 3, stride=2, padding=1, output_padding=1)
        self.enlarge = nn.Sequential(*_activate(num_inputs), enlarge)
        self.refine = nn.Sequential(*_activate(num_outputs), Deconvolution(num_outputs, num_outputs))

    def forward(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        # Same as an output_padding chosen by parity, which ONNX could not store: there it is one number for all sizes.
        height, width = size
        return self.refine(self.enlarge(features)[..., :height, :width])


def _conv(num_inputs: int, num_outputs: int, stride: int = 1) -> nn.Module:
    return nn.Conv2d(num_inputs, num_outputs, 3, stride=stride, padding=1)


def _activate(num_channels: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(num_channels), nn.ReLU(inplace=True)]


def _block(size: int, layer: Layer) -> nn.Module:
    return nn.Sequential(*_activate(size), layer(size, size), *_activate(size), layer(size, size))


def _subsampling(num_inputs: int, num_outputs: int) -> nn.Module:
    halve = _conv(num_inputs, num_outputs, stride=2)
    return nn.Sequential(*_activate(num_inputs), halve, *_activate(num_outputs), _conv(num_outputs, num_outputs))


def _check(streams: Sequence[int], num_columns_down: int, num_columns_up: int, total_dropout: float) -> None:
    if not streams or min(streams) < 1:
        raise ValueError(
            f"gridnet: streams is {list(streams)}; allowed: one number of channels >= 1 per stream; set model.streams"
        )
    if num_columns_down < 1 or num_columns_up < 1:
        raise ValueError(
            f"gridnet: num_columns_down is {num_columns_down}, num_columns_up is {num_columns_up}; allowed: 1 or more "
            "each, the paper has 3 and 3; set model.num_columns_down and model.num_columns_up"
        )
    if not 0 <= total_dropout < 1:
        raise ValueError(
            f"gridnet: total_dropout is {total_dropout}; allowed: from 0 (off) to below 1; set model.total_dropout"
        )
