"""FCN-8s against torchvision's VGG16 and torch's bilinear interpolation."""

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from segexp.model.fcn8 import bilinear_doubling, fcn8
from tests.model.options import random_fcn8


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_fresh_upsampling_is_bilinear_and_keeps_classes_apart() -> None:
    score = torch.randn(2, 3, 5, 6)
    expected = F.interpolate(score, scale_factor=2, mode="bilinear")
    inner = (..., slice(1, -1), slice(1, -1))  # the border lacks the neighbours that interpolation replicates
    torch.testing.assert_close(bilinear_doubling(3)(score)[inner], expected[inner])


def test_paper_width_has_the_parameters_of_vgg16_without_its_last_layer() -> None:
    with torch.device("meta"):
        network = fcn8(21, "vgg16", None, num_features=4096, dropout=0.5).network
        vgg16 = torchvision.models.vgg16()
    body = (
        count(network.get_submodule("encoder"))
        + count(network.get_submodule("fc6"))
        + count(network.get_submodule("fc7"))
    )
    assert body == count(vgg16) - count(vgg16.classifier[-1])


def test_pools_are_those_of_torchvisions_vgg() -> None:
    """Silencing the coarser scores leaves the score of pool3, computed by hand."""
    torch.manual_seed(0)
    model = random_fcn8(num_features=8, dropout=0.5).eval()
    network = model.network
    for name in ("score_fc7", "score_pool4"):
        for parameter in network.get_submodule(name).parameters():
            nn.init.zeros_(parameter)
    image = torch.rand(1, 3, 64, 96)
    with torch.device("meta"):
        vgg11 = torchvision.models.vgg11().features
    vgg11.load_state_dict(network.get_submodule("encoder.features").state_dict(), assign=True)
    pool3 = vgg11[:11]((image - model.mean) / model.std)
    expected = F.interpolate(network.get_submodule("score_pool3")(pool3), scale_factor=8, mode="bilinear")
    torch.testing.assert_close(model(image), expected)


def test_dropout_is_active_in_training_only() -> None:
    model = random_fcn8(num_features=32, dropout=0.5)
    image = torch.rand(2, 3, 32, 32)
    assert not torch.equal(model(image), model(image))
    model.eval()
    assert torch.equal(model(image), model(image))
