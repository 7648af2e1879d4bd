"""Fast-SCNN: one shallow stem for fine details and for a cheap, deep branch, for segmentation in real time."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segexp.model.auxiliary import fcn_head
from segexp.model.depthwise import speed_up_depthwise
from segexp.model.residual import Residual, conv_norm, enlarge
from segexp.model.segmenter import Segmenter
from segexp.types import Logits, TrainingLogits

DETAIL = 64
CONTEXT = 128
EXPANSION = 6
BINS = (1, 2, 3, 6)
RATIO = 4
"""How many times coarser the deep branch is than the details."""


def fast_scnn(num_classes: int, dropout: float) -> Segmenter:
    """Build a fresh Fast-SCNN for images of any size; see the class for the arguments."""
    network = FastSCNN(num_classes, dropout)
    speed_up_depthwise(network)
    return Segmenter(network, stride=32, smallest=64, coarseness=8)


class FastSCNN(nn.Module):
    """Details at stride 8 plus features at stride 32 that are computed from them.

    dropout: probability of dropping a channel before the classifier.
    Maps an image [B, 3, H, W] to logits [B, num_classes, H / 8, W / 8].
    In training there are auxiliary logits of the details (stride 8) and of the deep features (stride 32), both of which
    the paper weighs by 0.4; batches of one image are too small for the batch norm of their mean.
    Source: Poudel et al. 2019, arXiv:1902.04502, tables 1 to 3. What the paper leaves open: every convolution has a
    batch norm, each level of the pooling has a quarter of the channels, and the auxiliary heads are those of PSPNet.
    """

    def __init__(self, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.details = nn.Sequential(
            *conv_norm(3, 32, 3, 2), nn.ReLU(inplace=True), *_separable(32, 48, 2), *_separable(48, DETAIL, 2)
        )
        self.deep = nn.Sequential(_stage(DETAIL, 64, 2), _stage(64, 96, 2), _stage(96, CONTEXT, 1))
        self.context = PyramidPooling(CONTEXT, CONTEXT)
        self.fusion = Fusion(DETAIL, CONTEXT, CONTEXT)
        self.classifier = nn.Sequential(
            *_separable(CONTEXT, CONTEXT),
            *_separable(CONTEXT, CONTEXT),
            nn.Dropout2d(dropout),
            nn.Conv2d(CONTEXT, num_classes, 1),
        )
        self.auxiliary_heads = nn.ModuleList([fcn_head(DETAIL, num_classes), fcn_head(CONTEXT, num_classes)])

    def forward(self, image: Tensor) -> Logits | TrainingLogits:
        details = self.details(image)
        context = self.context(self.deep(details))
        logits = self.classifier(self.fusion(details, context))
        if not self.training:
            return logits
        of_details, of_context = self.auxiliary_heads
        return TrainingLogits(logits, [of_details(details), of_context(context)])


class PyramidPooling(nn.Module):
    """Features [B, num_features, H, W] beside their means over 1, 4, 9 and 36 parts -> [B, num_outputs, H, W].

    Source: Zhao et al. 2017, arXiv:1612.01105.
    """

    def __init__(self, num_features: int, num_outputs: int) -> None:
        super().__init__()
        width = num_features // len(BINS)
        self.levels = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), *conv_norm(num_features, width, 1), nn.ReLU(inplace=True))
            for bins in BINS
        )
        self.join = nn.Sequential(*conv_norm(2 * num_features, num_outputs, 1), nn.ReLU(inplace=True))

    def forward(self, features: Tensor) -> Tensor:
        return self.join(torch.cat([features, *(enlarge(level(features), features) for level in self.levels)], 1))


class Fusion(nn.Module):
    """Details [B, num_details, H, W] plus context [B, num_context, H / 4, W / 4] -> [B, num_outputs, H, W]."""

    def __init__(self, num_details: int, num_context: int, num_outputs: int) -> None:
        super().__init__()
        smooth = nn.Conv2d(num_context, num_context, 3, padding=RATIO, dilation=RATIO, groups=num_context, bias=False)
        self.details = conv_norm(num_details, num_outputs, 1)
        self.context = nn.Sequential(
            smooth,
            nn.BatchNorm2d(num_context),
            nn.ReLU(inplace=True),
            *conv_norm(num_context, num_outputs, 1),
        )

    def forward(self, details: Tensor, context: Tensor) -> Tensor:
        return F.relu(self.details(details) + self.context(enlarge(context, details)), inplace=True)


def _separable(num_inputs: int, num_outputs: int, stride: int = 1) -> list[nn.Module]:
    """Build a depthwise and a pointwise convolution; as in the paper, no ReLU is between the two."""
    depthwise = conv_norm(num_inputs, num_inputs, 3, stride, groups=num_inputs)
    return [*depthwise, *conv_norm(num_inputs, num_outputs, 1), nn.ReLU(inplace=True)]


def _stage(num_inputs: int, num_outputs: int, stride: int) -> nn.Sequential:
    """Build three bottlenecks, the first of them with the stride."""
    return nn.Sequential(
        _bottleneck(num_inputs, num_outputs, stride),
        _bottleneck(num_outputs, num_outputs, 1),
        _bottleneck(num_outputs, num_outputs, 1),
    )


def _bottleneck(num_inputs: int, num_outputs: int, stride: int) -> nn.Module:
    """Build the inverted residual block of MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381)."""
    width = EXPANSION * num_inputs
    branch = nn.Sequential(
        *conv_norm(num_inputs, width, 1),
        nn.ReLU(inplace=True),
        *conv_norm(width, width, 3, stride, groups=width),
        nn.ReLU(inplace=True),
        *conv_norm(width, num_outputs, 1),
    )
    same = stride == 1 and num_inputs == num_outputs
    return Residual(branch, num_inputs, num_outputs, stride) if same else branch
