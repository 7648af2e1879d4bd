"""Mean and standard deviation of a network: those that the weights of its encoder were trained with."""

import json
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from segmentation_models_pytorch.encoders import encoders, get_encoder

from segexp.model.normalization import IMAGENET, Normalization, from_settings
from segexp.model.segmenter import Segmenter
from segexp.model.smp import smp
from segexp.run.checkpoint import check_fit

ADVPROP = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "input_space": "RGB", "input_range": [0, 1]}


def values(model: Segmenter) -> Normalization:
    return Normalization(model.mean.flatten().tolist(), model.std.flatten().tolist())


def assert_same(actual: Normalization, mean: object, std: object) -> None:
    assert actual.mean == pytest.approx(mean)
    assert actual.std == pytest.approx(std)


@pytest.mark.parametrize(
    "name", ["mobilevit_xxs", "mobilevit_xxs.cvnets_in1k", "resnet10t", "tf_mobilenetv3_small_075"]
)
def test_an_encoder_of_timm_gets_what_timm_says_of_it(name: str) -> None:
    settings = timm.get_pretrained_cfg(name)
    assert settings
    assert_same(values(smp(5, "FPN", f"tu-{name}", None)), settings.mean, settings.std)


def test_a_vision_transformer_gets_what_timm_says_of_it() -> None:
    name = "vit_tiny_patch16_224"
    model = smp(5, "DPT", f"tu-{name}", None, dynamic_img_size=True, decoder_intermediate_channels=[8, 8, 8, 8])
    assert_same(values(model), timm.get_pretrained_cfg(name).mean, timm.get_pretrained_cfg(name).std)


def test_the_settings_of_every_encoder_of_timm_are_understood() -> None:
    read = {name: from_settings(timm.get_pretrained_cfg(name).to_dict()) for name in timm.list_models()}
    assert len(set(read.values())) > 3, "timm has encoders with other values than ImageNet's"
    for name, each in read.items():
        assert each, name
        assert len(each.mean) == len(each.std) == 3, name
        assert each == (timm.get_pretrained_cfg(name).mean, timm.get_pretrained_cfg(name).std), name


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty cache of the Hugging Face hub, with nothing to reach."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def published(hub: Path, encoder: str, tag: str) -> Path:
    """Store weights and settings of an encoder in the cache as smp's download does; return the file of the weights."""
    settings = encoders[encoder]["pretrained_settings"][tag]
    folder = hub / f"models--{settings['repo_id'].replace('/', '--')}" / "snapshots" / settings["revision"]
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(ADVPROP))
    save_file(get_encoder(encoder).state_dict(), folder / "model.safetensors")
    return folder / "model.safetensors"


def test_published_weights_bring_their_own(hub: Path) -> None:
    published(hub, "efficientnet-b0", "advprop")
    assert_same(values(smp(5, "FPN", "efficientnet-b0", "advprop")), ADVPROP["mean"], ADVPROP["std"])


def test_a_file_of_weights_brings_what_the_hub_stores_beside_it(hub: Path) -> None:
    file = published(hub, "efficientnet-b0", "advprop")
    assert_same(values(smp(5, "FPN", "efficientnet-b0", str(file))), ADVPROP["mean"], ADVPROP["std"])
    file.with_name("config.json").write_text(json.dumps({"pretrained_cfg": {"mean": [0, 0, 0], "std": [1, 1, 1]}}))
    assert_same(values(smp(5, "FPN", "efficientnet-b0", str(file))), [0, 0, 0], [1, 1, 1])
    file.with_name("config.json").write_text(json.dumps({"model_type": "of something else"}))
    assert_same(values(smp(5, "FPN", "efficientnet-b0", str(file))), *IMAGENET)
    file.with_name("config.json").write_text("{")
    with pytest.raises(ValueError, match="config.json beside model.weights is not JSON"):
        smp(5, "FPN", "efficientnet-b0", str(file))


def test_random_weights_of_an_encoder_of_smp_get_those_of_imagenet() -> None:
    assert_same(values(smp(5, "FPN", "resnet18", None)), *IMAGENET)


def test_what_somebody_chose_goes_first() -> None:
    model = smp(5, "FPN", "tu-mobilevit_xxs", None, mean=[0.1, 0.2, 0.3], std=[0.4, 0.5, 0.6])
    assert_same(values(model), [0.1, 0.2, 0.3], [0.4, 0.5, 0.6])


def test_a_checkpoint_keeps_the_values_that_it_was_trained_with() -> None:
    """Versions before this one gave every encoder those of ImageNet; their networks were trained with them."""
    earlier = smp(5, "FPN", "tu-mobilevit_xxs", None, mean=IMAGENET.mean, std=IMAGENET.std).eval()
    today = smp(5, "FPN", "tu-mobilevit_xxs", None).eval()
    assert not torch.equal(today.mean, earlier.mean)
    check_fit(today, earlier.state_dict(), Path("best.ckpt"))
    today.load_state_dict(earlier.state_dict())
    image = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    assert torch.equal(today(image), earlier(image))
