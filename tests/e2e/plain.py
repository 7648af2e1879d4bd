"""A network without batch statistics, so that ranks can share out a batch and compute the same."""

from torch import nn

from segexp.model.segmenter import Segmenter


def plain(num_classes: int, width: int) -> nn.Module:
    layers = nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, num_classes, 1)
    return Segmenter(nn.Sequential(*layers), stride=1)
