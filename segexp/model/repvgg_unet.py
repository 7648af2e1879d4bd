"""RepVGG-UNet: plain 3x3 convolutions from end to end, for real time on CPUs."""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segexp.model.auxiliary import check_stages, fcn_head
from segexp.model.reparameterized import RepVGGBlock
from segexp.model.segmenter import Segmenter
from segexp.types import Logits, TrainingLogits

NUM_STAGES = 5
COARSENESS = 4


def repvgg_unet(
    num_classes: int,
    widths: Sequence[int],
    num_blocks: Sequence[int],
    decoder_widths: Sequence[int],
    dropout: float,
    auxiliary_stages: Sequence[int] | None = None,
) -> Segmenter:
    """Build a fresh RepVGG-UNet for images of any size; see the class for the arguments."""
    network = RepVGGUNet(num_classes, widths, num_blocks, decoder_widths, dropout, auxiliary_stages or ())
    return Segmenter(network, 2**NUM_STAGES, coarseness=COARSENESS)


class RepVGGUNet(nn.Module):
    """An encoder of RepVGG blocks, a pyramid of maxima at stride 32, and a decoder that adds features up to stride 4.

    widths: channels of the five stages, at strides 2 to 32. num_blocks: blocks of each; the first one halves.
    decoder_widths: channels at strides 16, 8 and 4. dropout: probability of dropping a channel before the classifier.
    auxiliary_stages: stages, counted from 1, to which training adds a head with a loss of its own.
    Returns logits [B, num_classes, H / 4, W / 4].
    Raises ValueError for lists of another length, and for numbers below 1.
    Source: our own, of published parts: blocks of Ding et al. 2021 (arXiv:2101.03697), a U-Net's decoder (Ronneberger
    et al. 2015, arXiv:1505.04597) that adds features instead of joining them, as FPN does (Lin et al. 2017,
    arXiv:1612.03144), and the pyramid of YOLOv5 (SPPF), three maxima over 5x5 one after the other.
    """

    def __init__(
        self,
        num_classes: int,
        widths: Sequence[int],
        num_blocks: Sequence[int],
        decoder_widths: Sequence[int],
        dropout: float,
        auxiliary_stages: Sequence[int] = (),
    ) -> None:
        super().__init__()
        _check(widths, num_blocks, decoder_widths)
        check_stages(auxiliary_stages, range(1, NUM_STAGES + 1))
        self.encoder = nn.ModuleList(
            _stage(num_inputs, num_outputs, count)
            for num_inputs, num_outputs, count in zip([3, *widths[:-1]], widths, num_blocks, strict=True)
        )
        self.pyramid = MaximumPyramid(widths[-1], decoder_widths[0])
        laterals = zip(widths[-2:0:-1], decoder_widths, strict=True)
        self.laterals = nn.ModuleList(_pointwise(num_inputs, num_outputs) for num_inputs, num_outputs in laterals)
        self.blocks = nn.ModuleList(RepVGGBlock(width, width) for width in decoder_widths)
        self.reductions = nn.ModuleList(itertools.starmap(_pointwise, itertools.pairwise(decoder_widths)))
        self.classifier = nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(decoder_widths[-1], num_classes, 1))
        self.auxiliary_heads = nn.ModuleDict(
            {str(stage): fcn_head(widths[stage - 1], num_classes) for stage in auxiliary_stages}
        )

    def forward(self, image: Tensor) -> Logits | TrainingLogits:
        features, stages = image, []
        for stage in self.encoder:
            features = stage(features)
            stages.append(features)
        features = self.pyramid(features)
        for index, (lateral, block) in enumerate(zip(self.laterals, self.blocks, strict=True)):
            if index:
                features = self.reductions[index - 1](features)
            features = F.interpolate(features, scale_factor=2.0, mode="bilinear")
            features = block(F.relu(features + lateral(stages[-2 - index]), inplace=True))
        logits = self.classifier(features)
        if not (self.training and self.auxiliary_heads):
            return logits
        return TrainingLogits(logits, [head(stages[int(stage) - 1]) for stage, head in self.auxiliary_heads.items()])


class MaximumPyramid(nn.Module):
    """Features [B, num_inputs, H, W] and their maxima over 5, 9 and 13 pixels -> [B, num_outputs, H, W]."""

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        self.reduce = nn.Sequential(_pointwise(num_inputs, num_outputs), nn.ReLU(inplace=True))
        self.join = _pointwise(4 * num_outputs, num_outputs)

    def forward(self, features: Tensor) -> Tensor:
        levels = [self.reduce(features)]
        for _ in range(3):
            levels.append(F.max_pool2d(levels[-1], 5, stride=1, padding=2))
        return self.join(torch.cat(levels, 1))


def _stage(num_inputs: int, num_outputs: int, num_blocks: int) -> nn.Sequential:
    further = [RepVGGBlock(num_outputs, num_outputs) for _ in range(num_blocks - 1)]
    return nn.Sequential(RepVGGBlock(num_inputs, num_outputs, stride=2), *further)


def _pointwise(num_inputs: int, num_outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(num_inputs, num_outputs, 1, bias=False), nn.BatchNorm2d(num_outputs))


def _check(widths: Sequence[int], num_blocks: Sequence[int], decoder_widths: Sequence[int]) -> None:
    lengths = {"widths": (widths, 5), "num_blocks": (num_blocks, 5), "decoder_widths": (decoder_widths, 3)}
    for key, (numbers, length) in lengths.items():
        if len(numbers) != length or min(numbers) < 1:
            raise ValueError(
                f"repvgg_unet: {key} is {list(numbers)}; allowed: {length} whole numbers, each at least 1; "
                f"set model.{key}"
            )
