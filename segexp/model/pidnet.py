"""PIDNet: branches for detail, context and boundaries, of which the last decides what is taken from the other two."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segexp.model.auxiliary import BOUNDARY
from segexp.model.pyramid_pooling import PAPPM
from segexp.model.residual import SMALLEST, basic, bottleneck, conv_norm, enlarge, head, stage, stem
from segexp.model.segmenter import Segmenter
from segexp.types import Logits, TrainingLogits


def pidnet(num_classes: int, width: int, context_width: int, head_width: int) -> Segmenter:
    """Build a fresh PIDNet for images of any size; see the class for the arguments."""
    network = PIDNet(num_classes, width, context_width, head_width)
    return Segmenter(network, stride=8, smallest=SMALLEST, coarseness=8)


class PIDNet(nn.Module):
    """Three branches: detail (P) and boundaries (D) at stride 8, context (I) at strides 16, 32 and 64.

    width: channels of the first layers; P has 2 width, D 1 and 2 width, I 4, 8 and 16 width.
    context_width: channels of a level of the pyramid pooling. head_width: channels between the two layers of a head.
    The paper's PIDNet-S has 32, 96, 128.
    In training there are auxiliary logits of P after it first took from I, and boundary logits of D, see
    `segexp.loss.engine.boundary`.
    Source: Xu et al. 2023, arXiv:2206.02066; what the paper leaves open is as in the authors' code.
    Different here: all weights start random, the paper's from ImageNet.
    """

    def __init__(self, num_classes: int, width: int, context_width: int, head_width: int) -> None:
        super().__init__()
        detail, context3, context4, context5 = 2 * width, 4 * width, 8 * width, 16 * width
        self.stem = stem(width)
        self.context3 = nn.Sequential(stage(detail, context3, 3, stride=2), nn.ReLU(inplace=True))
        self.context4 = nn.Sequential(stage(context3, context4, 3, stride=2), nn.ReLU(inplace=True))
        self.context5 = nn.Sequential(
            bottleneck(context4, context5 // 2, stride=2), bottleneck(context5, context5 // 2)
        )
        self.pooling = PAPPM(context5, context_width, 2 * detail)
        self.detail3 = stage(detail, detail, 2)
        self.detail4 = stage(detail, detail, 2)
        self.detail5 = bottleneck(detail, detail)
        self.attention3 = DetailAttention(detail, context3)
        self.attention4 = DetailAttention(detail, context4)
        self.boundary3 = basic(detail, width)
        self.boundary4 = bottleneck(width, width)
        self.boundary5 = bottleneck(detail, detail)
        self.difference3 = conv_norm(context3, width, 3)
        self.difference4 = conv_norm(context4, detail, 3)
        self.fusion = BoundaryFusion(2 * detail)
        self.head = head(2 * detail, head_width, num_classes)
        self.auxiliary_heads = nn.ModuleDict(
            {"detail": head(detail, head_width, num_classes), BOUNDARY: head(detail, width, 1)}
        )

    def forward(self, image: Tensor) -> Logits | TrainingLogits:
        shared = self.stem(image)
        context = self.context3(shared)
        early = self.attention3(self.detail3(shared), context)
        boundary = self.boundary3(shared)
        boundary = boundary + enlarge(self.difference3(context), boundary)

        context = self.context4(context)
        detail = self.attention4(self.detail4(F.relu(early)), context)
        boundary = self.boundary4(F.relu(boundary))
        edges = boundary + enlarge(self.difference4(context), boundary)

        scene = enlarge(self.pooling(self.context5(context)), detail)
        joined = self.fusion(self.detail5(F.relu(detail)), scene, self.boundary5(F.relu(edges)))
        logits = self.head(joined)
        if not (self.training and self.auxiliary_heads):
            return logits
        heads = self.auxiliary_heads
        return TrainingLogits(logits, [heads["detail"](early)], heads[BOUNDARY](edges))


class DetailAttention(nn.Module):
    """Pag: replace detail by context in each pixel as far as the two agree there.

    detail [B, num_detail, H, W], context [B, num_context, h, w] -> [B, num_detail, H, W].
    """

    def __init__(self, num_detail: int, num_context: int) -> None:
        super().__init__()
        self.compress = conv_norm(num_context, num_detail, 1)
        self.of_detail = conv_norm(num_detail, num_detail // 2, 1)
        self.of_context = conv_norm(num_detail, num_detail // 2, 1)

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        context = self.compress(context)
        similarity = self.of_detail(detail) * enlarge(self.of_context(context), detail)
        share = torch.sigmoid(similarity.sum(1, keepdim=True)).to(detail.dtype)  # autocast sums in float32 on a GPU
        return torch.lerp(detail, enlarge(context, detail), share)


class BoundaryFusion(nn.Module):
    """Light Bag: detail counts at boundaries, context elsewhere; all are [B, C, H, W]."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.of_detail = conv_norm(num_features, num_features, 1)
        self.of_context = conv_norm(num_features, num_features, 1)

    def forward(self, detail: Tensor, context: Tensor, boundary: Tensor) -> Tensor:
        share = torch.sigmoid(boundary)
        return self.of_detail(detail + (1 - share) * context) + self.of_context(context + share * detail)
