"""Mean and standard deviation of the images that the weights of an encoder were trained with."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from segmentation_models_pytorch.encoders import encoders, get_preprocessing_params
from torch import nn

from segexp.model import efficientnet_lite
from segexp.model.segmenter import IMAGENET_MEAN, IMAGENET_STD


class Normalization(NamedTuple):
    """Per channel (red, green, blue) in units of 0..1."""

    mean: Sequence[float]
    std: Sequence[float]


IMAGENET = Normalization(IMAGENET_MEAN, IMAGENET_STD)


def normalization(encoder: nn.Module, name: str, weights: str | None) -> Normalization:
    """Return what the weights of an encoder expect; ImageNet's where nobody says otherwise. Nothing is downloaded.

    encoder: as smp built it. name, weights: as in `segexp.model.encoder.with_weights`.
    The settings are those that smp downloaded together with published weights; those in a config.json beside a file of
    weights, as a repository of the Hugging Face hub has it; those of efficientnet-lite; or timm's for an encoder of
    timm, with weights or without.
    """
    if weights == efficientnet_lite.WEIGHTS:
        return Normalization(efficientnet_lite.MEAN, efficientnet_lite.STD)
    if weights in encoders.get(name, {}).get("pretrained_settings", {}):
        return from_settings(get_preprocessing_params(name, weights)) or IMAGENET
    timm = getattr(getattr(encoder, "model", None), "pretrained_cfg", {})
    return from_settings(_beside(weights)) or from_settings(timm) or IMAGENET


def from_settings(settings: Mapping[str, Any]) -> Normalization | None:
    """Read settings of smp or timm; None if they do not say. A repository of timm has them one level deeper."""
    settings = settings.get("pretrained_cfg", settings)
    return Normalization(settings["mean"], settings["std"]) if {"mean", "std"} <= settings.keys() else None


def _beside(weights: str | None) -> Mapping[str, Any]:
    if weights is None or not Path(weights).is_file():
        return {}
    file = Path(weights).with_name("config.json")
    try:
        return json.loads(file.read_bytes()) if file.is_file() else {}
    except ValueError as error:
        raise ValueError(
            f"{file} beside model.weights is not JSON ({error}); restore it, or move the weights to another folder"
        ) from error
