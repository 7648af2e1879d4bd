"""SegNet: an encoder that keeps the index of each maximum, and a decoder that puts features back there."""

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from segexp.model.segmenter import Segmenter
from segexp.types import Logits

MAX_STAGES = 5


def segnet(num_classes: int, widths: Sequence[int], num_convolutions: Sequence[int]) -> Segmenter:
    """Build a fresh SegNet for images of any size; see the class for the arguments."""
    return Segmenter(SegNet(num_classes, widths, num_convolutions), stride=1)


class SegNet(nn.Module):
    """Stages of convolutions, each followed by 2x2 max pooling; then their mirror image, each after unpooling.

    widths: channels of each stage, finest first; at most 5 stages, so that a side of 32 can be halved in each.
    num_convolutions: 3x3 convolutions of each stage, as many entries as widths.
    Raises ValueError for lists that are empty, too long or of different length.
    Source: Badrinarayanan et al. 2017, arXiv:1511.00561; the paper's encoder is VGG16's: widths
    (64, 128, 256, 512, 512), convolutions (2, 2, 3, 3, 3). Different here: sides need not be multiples of 32, because
    each unpooling restores the size before its pooling; all weights start random, the paper's encoder from ImageNet.
    """

    def __init__(self, num_classes: int, widths: Sequence[int], num_convolutions: Sequence[int]) -> None:
        super().__init__()
        _check(widths, num_convolutions)
        inputs = [3, *widths]
        self.encoder = nn.ModuleList(
            _stage([inputs[stage]] + [width] * num_convolutions[stage]) for stage, width in enumerate(widths)
        )
        self.decoder = nn.ModuleList()
        for stage in reversed(range(len(widths))):
            num_kept = num_convolutions[stage] - (stage == 0)  # the finest stage's last convolution is the classifier
            self.decoder.append(_stage([widths[stage]] * num_kept + [widths[max(stage - 1, 0)]]))
        self.classifier = nn.Conv2d(widths[0], num_classes, 3, padding=1)

    def forward(self, image: Tensor) -> Logits:
        features, poolings = image, []
        for stage in self.encoder:
            features = stage(features)
            size = features.shape[-2:]
            features, indices = F.max_pool2d(features, 2, return_indices=True)
            poolings.append((indices, size))
        for stage in self.decoder:
            features = stage(unpool(features, *poolings.pop()))
        return self.classifier(features)


def unpool(features: Tensor, indices: Tensor, size: tuple[int, int]) -> Tensor:
    """Put features [B, C, h, w] back where max pooling took them from, zeros elsewhere: [B, C, *size].

    indices: int64 [B, C, h, w] into the flattened height and width of size, as max pooling returns them.
    Same as torch's max_unpool2d, which can neither be exported nor run under deterministic algorithms on a GPU.
    """
    batch, channels = features.shape[:2]
    flat = features.new_zeros(batch, channels, size[0] * size[1])
    return flat.scatter(2, indices.flatten(2), features.flatten(2)).view(batch, channels, *size)


def _stage(channels: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for num_inputs, num_outputs in pairwise(channels):
        convolution = nn.Conv2d(num_inputs, num_outputs, 3, padding=1, bias=False)  # the norm's offset is the bias
        layers += [convolution, nn.BatchNorm2d(num_outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _check(widths: Sequence[int], num_convolutions: Sequence[int]) -> None:
    valid = len(widths) == len(num_convolutions) and 1 <= len(widths) <= MAX_STAGES
    if not valid or min(*widths, *num_convolutions) < 1:
        raise ValueError(
            f"segnet: widths is {list(widths)}, num_convolutions is {list(num_convolutions)}; allowed: 1 "
            f"to {MAX_STAGES} stages, an entry of 1 or more for each in both; set model.widths and "
            "model.num_convolutions"
        )
