"""FCN-8s: a convolutional classification network whose scores at strides 32, 16 and 8 are added."""

import torch
import torch.nn.functional as F
from segmentation_models_pytorch.encoders import get_encoder
from segmentation_models_pytorch.encoders.vgg import VGGEncoder
from torch import Tensor, nn

from segexp.model.encoder import with_weights
from segexp.model.segmenter import Segmenter
from segexp.types import Logits


def fcn8(num_classes: int, encoder: str, weights: str | None, num_features: int, dropout: float) -> Segmenter:
    """Build an FCN-8s for images of any size; see the class, and `segexp.model.encoder.with_weights` for weights."""
    network = with_weights(
        lambda tag: FCN8(get_encoder(encoder, weights=tag), num_classes, num_features, dropout), encoder, weights
    )
    return Segmenter(network, stride=32)


class FCN8(nn.Module):
    """Class scores on pool3, pool4 and fc7, added from coarse to fine.

    encoder: features at strides 1 to 32 as smp builds them; vgg16 in the paper, vgg11_bn is its smallest relative.
    num_features: channels of the convolutions fc6 and fc7. The paper has 4096, which are 120 of its 134 M parameters;
        DeepLab-LargeFOV was as accurate with 1024 (Chen et al. 2015, arXiv:1412.7062).
    dropout: probability of dropping a feature of fc6 and fc7 in training, 0.5 in the paper.
    Source: Long et al. 2015, arXiv:1411.4038. As there, scores are upsampled by transposed convolutions that start
    bilinear and learn, the last one (8 times) stays bilinear. Different here:
    - fc6 pads by 3, so no image needs the paper's border of 100 pixels.
    - score layers start random, not zero; the paper found no difference, and no gradient is zero at first.
    - all three scores are trained at once; as images are normalised, no score needs the scaling of the paper's code.
    """

    def __init__(self, encoder: VGGEncoder, num_classes: int, num_features: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        *_, pool3, pool4, _, pool5 = encoder.out_channels
        self.fc6 = nn.Sequential(nn.Conv2d(pool5, num_features, 7, padding=3), nn.ReLU(), nn.Dropout(dropout))
        self.fc7 = nn.Sequential(nn.Conv2d(num_features, num_features, 1), nn.ReLU(), nn.Dropout(dropout))
        self.score_fc7 = nn.Conv2d(num_features, num_classes, 1)
        self.score_pool4 = nn.Conv2d(pool4, num_classes, 1)
        self.score_pool3 = nn.Conv2d(pool3, num_classes, 1)
        self.double_fc7 = bilinear_doubling(num_classes)
        self.double_pool4 = bilinear_doubling(num_classes)

    def forward(self, image: Tensor) -> Logits:
        # smp returns the features of a stage before they are pooled, except the last ones.
        *_, before_pool3, before_pool4, _, pool5 = self.encoder(image)
        score = self.score_fc7(self.fc7(self.fc6(pool5)))
        score = self.double_fc7(score) + self.score_pool4(F.max_pool2d(before_pool4, 2))
        score = self.double_pool4(score) + self.score_pool3(F.max_pool2d(before_pool3, 2))
        return F.interpolate(score, scale_factor=8, mode="bilinear")


def bilinear_doubling(num_classes: int) -> nn.ConvTranspose2d:
    """Build a learnable upsampling of [B, num_classes, H, W] to twice the size that starts as bilinear."""
    layer = nn.ConvTranspose2d(num_classes, num_classes, 4, stride=2, padding=1, bias=False)
    ramp = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        layer.weight.copy_(torch.eye(num_classes)[:, :, None, None] * torch.outer(ramp, ramp))
    return layer
