"""DDRNet: a fine and a coarse branch that exchange features, for segmentation in real time."""

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from segexp.model.pyramid_pooling import DAPPM
from segexp.model.residual import SMALLEST, bottleneck, conv_norm, enlarge, head, stage, stem
from segexp.model.segmenter import Segmenter
from segexp.types import Logits, TrainingLogits


def ddrnet(num_classes: int, width: int, context_width: int, head_width: int) -> Segmenter:
    """Build a fresh DDRNet for images of any size; see the class for the arguments."""
    network = DDRNet(num_classes, width, context_width, head_width)
    return Segmenter(network, stride=8, smallest=SMALLEST, coarseness=8)


class DDRNet(nn.Module):
    """Features at stride 8 throughout beside features at strides 16, 32 and 64, which each learn from the other.

    width: channels of the first layers; the fine branch has 2 width, the coarse one 4, 8 and 16 width.
    context_width: channels of a level of the pyramid pooling. head_width: channels between the two layers of a head.
    The paper's DDRNet-23-slim has 32, 128, 64, its DDRNet-23 has 64, 128, 128.
    Source: Hong et al. 2021, arXiv:2101.06085; what the paper leaves open is as in the authors' code.
    In training there are auxiliary logits of the fine branch after the first exchange, which the paper weighs by 0.4.
    Different here: all weights start random, the paper's from ImageNet.
    """

    def __init__(self, num_classes: int, width: int, context_width: int, head_width: int) -> None:
        super().__init__()
        fine, coarse3, coarse4, coarse5 = 2 * width, 4 * width, 8 * width, 16 * width
        self.stem = stem(width)
        self.coarse3 = stage(fine, coarse3, 2, stride=2)
        self.coarse4 = stage(coarse3, coarse4, 2, stride=2)
        self.coarse5 = bottleneck(coarse4, coarse5 // 2, stride=2)
        self.fine3 = stage(fine, fine, 2)
        self.fine4 = stage(fine, fine, 2)
        self.fine5 = bottleneck(fine, fine)
        self.exchange3 = Exchange([fine, coarse3])
        self.exchange4 = Exchange([fine, coarse3, coarse4])
        self.context = DAPPM(coarse5, context_width, 2 * fine)
        self.head = head(2 * fine, head_width, num_classes)
        self.auxiliary_heads = nn.ModuleList([head(fine, head_width, num_classes)])

    def forward(self, image: Tensor) -> Logits | TrainingLogits:
        shared = self.stem(image)
        early, coarse = self.exchange3(self.fine3(shared), self.coarse3(shared))
        fine, coarse = self.exchange4(self.fine4(F.relu(early)), self.coarse4(F.relu(coarse)))
        fine, coarse = self.fine5(F.relu(fine)), self.coarse5(F.relu(coarse))
        joined = fine + enlarge(self.context(coarse), fine)
        logits = self.head(joined)
        if not self.training:
            return logits
        return TrainingLogits(logits, [each(early) for each in self.auxiliary_heads])


class Exchange(nn.Module):
    """Add to fine features the coarse ones, enlarged, and to the coarse ones the fine ones, halved; neither has a ReLU.

    widths: channels of the fine features, then after each halving of them; the last entry is that of the coarse ones.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for num_inputs, num_outputs in pairwise(widths):
            layers += [nn.ReLU(), conv_norm(num_inputs, num_outputs, 3, 2)]
        self.down = nn.Sequential(*layers)
        self.up = nn.Sequential(nn.ReLU(), conv_norm(widths[-1], widths[0], 1))

    def forward(self, fine: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        return fine + enlarge(self.up(coarse), fine), coarse + self.down(fine)
