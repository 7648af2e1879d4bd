"""Auxiliary heads against torchvision's, and what a network that returns something else is told."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.segmentation.fcn import FCNHead

from segexp.model.auxiliary import fcn_head, num_auxiliary
from segexp.model.fcn8 import fcn8
from segexp.model.segmenter import Segmenter
from segexp.model.smp import smp
from segexp.types import TrainingLogits
from tests.model.options import random_fcn8


def test_the_head_is_that_of_torchvisions_fcn() -> None:
    ours, theirs = fcn_head(64, 5).eval(), FCNHead(64, 5).eval()
    ours.load_state_dict(theirs.state_dict())
    features = torch.randn(2, 64, 9, 7)
    torch.testing.assert_close(ours(features), theirs(features))


@pytest.mark.parametrize(("stage", "stride"), [(1, 2), (2, 4), (3, 8), (4, 16), (5, 32)])
def test_a_stage_halves_the_image_as_often_as_its_number_says(stage: int, stride: int) -> None:
    with torch.device("meta"):
        network = smp(5, "Unet", "resnet18", None, auxiliary_stages=[stage]).network
        auxiliary = network(torch.rand(2, 3, 64, 96)).auxiliary
    assert auxiliary[0].shape == (2, 5, 64 // stride, 96 // stride)


def test_auxiliary_logits_come_in_the_order_of_the_stages() -> None:
    network = smp(5, "FPN", "resnet18", None, auxiliary_stages=[5, 3]).network
    assert [logits.shape[-1] for logits in network(torch.rand(2, 3, 64, 64)).auxiliary] == [2, 8]


def test_fcn_32s_is_the_score_of_fc7_and_fcn_16s_adds_that_of_pool4() -> None:
    """With a score of pool4 that is silenced, FCN-16s is FCN-32s doubled by a layer that starts bilinear."""
    torch.manual_seed(0)
    model = random_fcn8(num_features=8, dropout=0.0, auxiliary_stages=[5, 4])
    network = model.network
    for parameter in network.get_submodule("score_pool4").parameters():
        nn.init.zeros_(parameter)
    image = torch.rand(1, 3, 96, 128)
    pool5 = network.get_submodule("encoder")((image - model.mean) / model.std)[-1]
    padded = F.pad(pool5, (3, 3, 3, 3))
    score = network.get_submodule("score_fc7")(network.get_submodule("fc7")(network.get_submodule("fc6")(padded)))
    fcn32, fcn16 = model(image).auxiliary
    torch.testing.assert_close(fcn32, F.interpolate(score, size=(96, 128), mode="bilinear"))
    doubled = network.get_submodule("double_fc7")(score)
    torch.testing.assert_close(fcn16, F.interpolate(doubled, size=(96, 128), mode="bilinear"))


@pytest.mark.parametrize("stages", [[0], [6], [4, 4], 4, "4"])
def test_a_stage_that_the_encoder_does_not_have_is_named(stages: object) -> None:
    for build in (
        lambda: smp(5, "Unet", "resnet18", None, auxiliary_stages=stages),  # type: ignore[arg-type]
        lambda: fcn8(5, "vgg11", None, 8, 0.5, auxiliary_stages=stages),  # type: ignore[arg-type]
    ):
        named = pytest.raises(ValueError, match=r"model.auxiliary_stages is .*allowed: null, or a list .*set model")
        with named as error, torch.device("meta"):
            build()
        assert repr(stages) in str(error.value)


def test_an_architecture_without_stages_that_can_be_supervised_is_named() -> None:
    with pytest.raises(ValueError, match=r"model.auxiliary_stages is \[4\], and DPT .*choose another"):
        smp(5, "DPT", "tu-vit_tiny_patch16_224", None, auxiliary_stages=[4], dynamic_img_size=True)


def test_every_gradient_that_is_required_arrives_with_heads() -> None:
    with torch.device("meta"):
        model = smp(5, "Unet", "resnet18", None, encoder_depth=3, decoder_channels=[16, 8, 4], auxiliary_stages=[3])
        output = model(torch.rand(2, 3, 64, 64))
    (output.logits.sum() + output.auxiliary[0].sum()).backward()
    arrives = {name: parameter.grad is not None for name, parameter in model.named_parameters()}
    assert arrives == {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    assert all(arrives[name] for name in arrives if "auxiliary_heads" in name)
    assert not all(arrives.values())


class Returns(nn.Module):
    """A network with one auxiliary head that returns what it was told to."""

    def __init__(self, output: object) -> None:
        super().__init__()
        self.auxiliary_heads = nn.ModuleList([nn.Identity()])
        self.output = output

    def forward(self, image: Tensor) -> object:
        return self.output


@pytest.mark.parametrize(
    ("output", "named"),
    [
        ((torch.zeros(1, 5, 32, 32), []), "found tuple"),
        ({"out": torch.zeros(1, 5, 32, 32)}, "found dict"),
        (TrainingLogits(torch.zeros(1, 5, 32, 32), []), "found 0 auxiliary logits of 1 heads"),
    ],
)
def test_an_output_that_is_not_as_promised_is_named(output: object, named: str) -> None:
    model = Segmenter(Returns(output), stride=1)
    assert num_auxiliary(model) == 1
    with pytest.raises(ValueError, match=rf"network: {named}.* allowed: logits, or segexp.types.TrainingLogits"):
        model(torch.rand(1, 3, 32, 32))
