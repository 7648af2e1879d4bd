"""The weights that an encoder of segmentation_models_pytorch (smp) starts from: none, published ones, or a file."""

import difflib
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from huggingface_hub import constants as hub
from safetensors.torch import load_file
from segmentation_models_pytorch.encoders import encoders
from torch import Tensor, nn

from segexp.model import efficientnet_lite
from segexp.model.encoder_names import check_encoder

Tag = str | bool | None
Network = TypeVar("Network", bound=nn.Module)
PROBE_SECONDS = 5
NUM_KEYS_SHOWN = 3
CLASSIFIERS = ("fc.", "classifier.", "head.", "last_linear.")


def with_weights(build: Callable[[Tag], Network], encoder: str, weights: str | None) -> Network:
    """Build a network whose `.encoder` holds the weights that the user chose.

    build: builds the network from smp's argument encoder_weights: None, or the tag of published weights.
    encoder: name of the encoder in smp, or tu-NAME for one of timm.
    weights: None for random ones, a tag such as imagenet (downloaded once, then cached), efficientnet-lite (from an
        installed package, see `segexp.model.efficientnet_lite`), or the path of a state dict (.safetensors, or written
        by torch.save) with exactly the encoder's keys; those of a classifier are ignored.
    Raises ValueError for an unknown encoder or keys that do not fit, FileNotFoundError for a missing file or
    package, ConnectionError for a download that fails.
    """
    tags = _published_weights(encoder)
    if weights is None:
        return build(None)
    if weights in tags:
        return _download(lambda: build(tags[weights]), encoder, weights)
    if weights == efficientnet_lite.WEIGHTS:
        path = efficientnet_lite.weights_file(encoder)
        network = build(None)
        lite = network.get_submodule("encoder")
        _fill(lite, encoder, efficientnet_lite.read(encoder, lite.state_dict()), path, "install the package again")
        return network
    if not Path(weights).is_file():
        allowed = f"null, {', '.join(_names(tags, encoder))}, or the path of a state dict of the encoder"
        raise FileNotFoundError(f"model.weights: no file {weights!r}; allowed for encoder {encoder}: {allowed}")
    network, path = build(None), Path(weights)
    hint = f"save the encoder alone: torch.save(encoder.state_dict(), {path.name!r})"
    _fill(network.get_submodule("encoder"), encoder, _read(path), path, hint)
    return network


def _names(tags: Mapping[str, Tag], encoder: str) -> list[str]:
    return [*tags, *([efficientnet_lite.WEIGHTS] if encoder in efficientnet_lite.ENCODERS else [])]


def _published_weights(encoder: str) -> Mapping[str, Tag]:
    check_encoder(encoder)
    if encoder.startswith("tu-"):
        return {"imagenet": True}  # timm names the data set in the encoder (tu-NAME.TAG) and only asks yes or no
    if encoder not in encoders:
        close = difflib.get_close_matches(encoder, encoders, n=5) or ["resnet34", "vgg16", "mobilenet_v2"]
        raise ValueError(f"model.encoder: smp has no {encoder!r}; try {', '.join(close)}, or tu-NAME for one of timm")
    return {tag: tag for tag in encoders[encoder]["pretrained_settings"]}


def _download(build: Callable[[], Network], encoder: str, weights: str) -> Network:
    cure = (
        "download them where there is a network and point to the file (model.weights=/path/encoder.pth); "
        "if they are in this machine's cache already, set HF_HUB_OFFLINE=1"
    )
    problem = f"model.weights={weights}: the weights of {encoder} cannot be downloaded"
    if not hub.HF_HUB_OFFLINE and not _reachable(hub.ENDPOINT):
        raise ConnectionError(f"{problem}, {hub.ENDPOINT} does not answer; {cure}")
    try:
        return build()
    except OSError as error:
        raise ConnectionError(f"{problem} ({error}); {cure}") from error


def _reachable(url: str) -> bool:
    # Probed first because the hub's own client retries for half a minute before it gives up.
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=PROBE_SECONDS).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _fill(encoder: nn.Module, name: str, published: Mapping[str, Tensor], path: Path, hint: str) -> None:
    expected = encoder.state_dict()
    state = {key: value for key, value in published.items() if key in expected or not key.startswith(CLASSIFIERS)}
    problems = {
        "missing": [key for key in expected if key not in state],
        "unexpected": [key for key in state if key not in expected],
        "of another shape": [key for key in expected if key in state and state[key].shape != expected[key].shape],
    }
    if any(problems.values()):
        counts = "; ".join(f"{len(keys)} {problem}{_first(keys)}" for problem, keys in problems.items())
        raise ValueError(f"model.weights: the keys of {path} do not fit encoder {name}: {counts}; {hint}")
    encoder.load_state_dict(state)


def _read(path: Path) -> Mapping[str, Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _first(keys: list[str]) -> str:
    shown = ", ".join(keys[:NUM_KEYS_SHOWN])
    return f" ({shown}{', ...' if len(keys) > NUM_KEYS_SHOWN else ''})" if keys else ""
