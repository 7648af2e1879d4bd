"""FCN-8s: a convolutional classification network whose scores at strides 32, 16 and 8 are added."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from segmentation_models_pytorch.encoders import get_encoder
from segmentation_models_pytorch.encoders.vgg import VGGEncoder
from torch import Tensor, nn

from segexp.model.auxiliary import check_stages
from segexp.model.encoder import Tag, with_weights
from segexp.model.normalization import normalization
from segexp.model.segmenter import Segmenter
from segexp.types import Logits, TrainingLogits


def fcn8(
    num_classes: int,
    encoder: str,
    weights: str | None,
    num_features: int,
    dropout: float,
    auxiliary_stages: Sequence[int] | None = None,
) -> Segmenter:
    """Build an FCN-8s for images of any size; see the class, and `segexp.model.encoder.with_weights` for weights."""

    def build(tag: Tag) -> FCN8:
        return FCN8(get_encoder(encoder, weights=tag), num_classes, num_features, dropout, auxiliary_stages or ())

    network = with_weights(build, encoder, weights)
    return Segmenter(network, 32, *normalization(network.encoder, encoder, weights))


class FCN8(nn.Module):
    """Class scores on pool3, pool4 and fc7, added from coarse to fine.

    encoder: features at strides 1 to 32 as smp builds them; vgg16 in the paper, vgg11_bn is its smallest relative.
    num_features: channels of the convolutions fc6 and fc7. The paper has 4096, which are 120 of its 134 M parameters;
        DeepLab-LargeFOV was as accurate with 1024 (Chen et al. 2015, arXiv:1412.7062).
    dropout: probability of dropping a feature of fc6 and fc7 in training, 0.5 in the paper.
    auxiliary_stages: 5 to train the scores at stride 32 with a loss of their own, as FCN-32s predicts by them alone; 4
        for those at stride 16, as FCN-16s. The paper trains these networks one after the other, each from the weights
        of the one before; here all losses are minimised at once, and no weight is added.
    Source: Long et al. 2015, arXiv:1411.4038. As there, scores are upsampled by transposed convolutions that start
    bilinear and learn, the last one (8 times) stays bilinear. Different here:
    - fc6 pads by 3, so no image needs the paper's border of 100 pixels.
    - score layers start random, not zero; the paper found no difference, and no gradient is zero at first.
    - all three scores are trained at once; as images are normalised, no score needs the scaling of the paper's code.
    """

    def __init__(
        self,
        encoder: VGGEncoder,
        num_classes: int,
        num_features: int,
        dropout: float,
        auxiliary_stages: Sequence[int] = (),
    ) -> None:
        super().__init__()
        check_stages(auxiliary_stages, [4, 5])
        self.encoder = encoder
        *_, pool3, pool4, _, pool5 = encoder.out_channels
        self.fc6 = nn.Sequential(nn.Conv2d(pool5, num_features, 7), nn.ReLU(), nn.Dropout(dropout))
        self.fc7 = nn.Sequential(nn.Conv2d(num_features, num_features, 1), nn.ReLU(), nn.Dropout(dropout))
        self.score_fc7 = nn.Conv2d(num_features, num_classes, 1)
        self.score_pool4 = nn.Conv2d(pool4, num_classes, 1)
        self.score_pool3 = nn.Conv2d(pool3, num_classes, 1)
        self.double_fc7 = bilinear_doubling(num_classes)
        self.double_pool4 = bilinear_doubling(num_classes)
        self.auxiliary_heads = nn.ModuleDict({str(stage): bilinear(2**stage) for stage in auxiliary_stages})

    def forward(self, image: Tensor) -> Logits | TrainingLogits:
        # smp returns the features of a stage before they are pooled, except the last ones.
        *_, before_pool3, before_pool4, _, pool5 = self.encoder(image)
        # Padded here: of a padded kernel larger than the features, oneDNN 3.12 leaves bfloat16 gradients unset.
        padded = F.pad(pool5, (3, 3, 3, 3))
        score5 = self.score_fc7(self.fc7(self.fc6(padded)))
        score4 = self.double_fc7(score5) + self.score_pool4(F.max_pool2d(before_pool4, 2))
        score3 = self.double_pool4(score4) + self.score_pool3(F.max_pool2d(before_pool3, 2))
        logits = F.interpolate(score3, scale_factor=8, mode="bilinear")
        if not (self.training and self.auxiliary_heads):
            return logits
        scores = {"4": score4, "5": score5}
        return TrainingLogits(logits, [head(scores[stage]) for stage, head in self.auxiliary_heads.items()])


def bilinear(factor: int) -> nn.Upsample:
    """Build an upsampling of [B, C, H, W] by a factor that learns nothing."""
    return nn.Upsample(scale_factor=factor, mode="bilinear")


def bilinear_doubling(num_classes: int) -> nn.ConvTranspose2d:
    """Build a learnable upsampling of [B, num_classes, H, W] to twice the size that starts as bilinear."""
    layer = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, padding=1, bias=False)
    ramp = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        layer.weight.copy_(torch.eye(num_classes)[:, :, None, None] * torch.outer(ramp, ramp))
    return layer
