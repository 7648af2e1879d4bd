"""Architectures of segmentation_models_pytorch that no option of conf/model names, by arguments alone."""

import pytest
import torch
from segmentation_models_pytorch import MODEL_ARCHITECTURES_MAPPING
from torch import Tensor, nn

from segexp.model.smp import smp


@pytest.mark.parametrize("architecture", ["FPN", "Segformer"])
def test_other_architectures_take_any_size(architecture: str) -> None:
    model = smp(5, architecture, "resnet18", None).eval()
    assert model(torch.rand(1, 3, 33, 47)).shape == (1, 5, 33, 47)


def test_an_encoder_of_timm_is_reached_by_its_name() -> None:
    model = smp(5, "Unet", "tu-resnet10t", None).eval()
    assert model(torch.rand(1, 3, 33, 47)).shape == (1, 5, 33, 47)


@pytest.mark.parametrize("architecture", ["DeepLabV3Plus", "Unet"])
def test_features_keep_the_memory_format_of_the_network(architecture: str) -> None:
    model = smp(5, architecture, "resnet18", None).eval().to(memory_format=torch.channels_last)
    lost = []

    def look(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if not inputs[0].is_contiguous(memory_format=torch.channels_last):
            lost.append(layer)

    for layer in model.network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(look)
    model(torch.rand(1, 3, 64, 64).contiguous(memory_format=torch.channels_last))
    assert lost == []


@pytest.mark.parametrize("encoder", ["resnet18", "vgg11_bn", "efficientnet-b0"])
def test_every_gradient_that_is_required_arrives(encoder: str) -> None:
    with torch.device("meta"):
        model = smp(5, "Unet", encoder, None, encoder_depth=3, decoder_channels=[16, 8, 4])
        model(torch.rand(2, 3, 64, 64)).sum().backward()
    arrives = {name: parameter.grad is not None for name, parameter in model.named_parameters()}
    assert arrives == {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    assert not all(arrives.values())


def test_a_fresh_network_is_untouched_by_the_search_for_unused_parameters() -> None:
    model = smp(5, "Unet", "resnet18", None)
    assert all(buffer == 0 for name, buffer in model.named_buffers() if name.endswith("num_batches_tracked"))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(module.training for module in model.modules())


def test_an_unknown_architecture_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="^model.architecture: ") as error:
        smp(5, "Unett", "resnet18", None)
    facts = ["'Unett'", "allowed", "DeepLabV3Plus", "Unet,", "set model.architecture"]
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)


@pytest.mark.fast
@pytest.mark.parametrize("architecture", MODEL_ARCHITECTURES_MAPPING)
@pytest.mark.parametrize("encoder", ["resnet18", "timm-efficientnet-b0", "mit_b0"])
def test_an_option_that_smp_would_drop_is_named_in_the_error(architecture: str, encoder: str) -> None:
    with pytest.raises(ValueError, match="does not take encoder_dept") as error:
        smp(5, architecture, encoder, None, encoder_dept=4)
    facts = ["model.encoder_dept", f"encoder {encoder}", "did you mean encoder_depth? allowed: activation, "]
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)


@pytest.mark.parametrize("value", [3, None])
def test_an_option_that_timm_does_not_take_is_an_error(value: int | None) -> None:
    with pytest.raises((ValueError, TypeError), match="decoder_chanels"):
        smp(5, "Unet", "tu-resnet10t", None, decoder_chanels=value)


def test_options_of_the_architecture_and_of_its_encoder_arrive() -> None:
    segmenter = smp(5, "Unet", "resnet18", None, decoder_channels=[8, 8, 8, 8, 8], output_stride=16)
    network = segmenter.get_submodule("network")
    assert network.get_submodule("segmentation_head.0").in_channels == 8
    assert network.get_submodule("encoder").output_stride == 16
