"""Weights of an encoder: from a file, or one clear error."""

import time
from pathlib import Path

import pytest
import torch
import torchvision
from huggingface_hub import constants
from safetensors.torch import save_file
from torch import Tensor

from segexp.model.segmenter import Segmenter
from segexp.model.smp import smp


def unet(weights: str | None, encoder: str = "resnet18") -> Segmenter:
    return smp(5, "Unet", encoder, weights)


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """Build a state dict as torchvision publishes it for a ResNet-18, classifier included, but with random weights."""
    torch.manual_seed(0)
    return torchvision.models.resnet18().state_dict()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_of_torchvision_fills_the_encoder(tmp_path: Path, published: dict[str, Tensor], suffix: str) -> None:
    path = tmp_path / f"resnet18{suffix}"
    save_file(published, path) if suffix == ".safetensors" else torch.save(published, path)
    filled = unet(str(path)).encoder.state_dict()
    assert filled.keys() == {key for key in published if not key.startswith("fc.")}
    assert all(torch.equal(filled[key], published[key]) for key in filled)


def test_the_head_of_a_published_classifier_is_left_out(tmp_path: Path, published: dict[str, Tensor]) -> None:
    torch.save({**published, "head.weight": torch.zeros(5, 512)}, tmp_path / "published.pth")
    filled = unet(str(tmp_path / "published.pth")).encoder.state_dict()
    assert torch.equal(filled["conv1.weight"], published["conv1.weight"])


def test_keys_that_do_not_fit_are_named_and_counted(tmp_path: Path, published: dict[str, Tensor]) -> None:
    wrong = {key: value for key, value in published.items() if not key.startswith("layer4.")}
    wrong |= {"neck.weight": torch.zeros(1), "conv1.weight": torch.zeros(64, 1, 7, 7)}
    path = tmp_path / "wrong.pth"
    torch.save(wrong, path)
    with pytest.raises(ValueError, match="do not fit encoder resnet18") as error:
        unet(str(path))
    facts = [
        str(path),
        "30 missing (layer4.0.conv1.weight, ",
        "1 unexpected (neck.weight)",
        "1 of another shape (conv1.weight)",
        "torch.save(encoder.state_dict(), 'wrong.pth')",
    ]
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)


def test_a_missing_file_is_named_with_what_is_allowed() -> None:
    with pytest.raises(FileNotFoundError, match="^model.weights: ") as error:
        unet("imagenett")
    facts = ["'imagenett'", "encoder resnet18", "null, imagenet, ", "path of a state dict"]
    assert [fact for fact in facts if fact not in str(error.value)] == [], str(error.value)


def test_an_unknown_encoder_is_named_with_the_nearest_ones() -> None:
    with pytest.raises(ValueError, match=r"no 'resnet35'; try .*resnet34"):
        unet(None, encoder="resnet35")


@pytest.mark.parametrize("encoder", ["resnet18", "tu-resnet18"])
def test_without_a_network_the_error_comes_soon_and_says_how_to_use_a_file(
    monkeypatch: pytest.MonkeyPatch, encoder: str
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    start = time.monotonic()
    with pytest.raises(ConnectionError, match=r"model\.weights=/path/encoder\.pth"):
        unet("imagenet", encoder)
    assert time.monotonic() - start < 10
