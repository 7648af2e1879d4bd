"""Decide what may be built of a configuration that came with a run folder, perhaps from a stranger."""

import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from hydra.utils import get_object

from segexp.system.remote import is_url

OURS = ("segexp.model.", "segexp.classes.")
WEIGHTS = ("weights", "encoder_weights")
NETWORK_LIBRARIES = ("segmentation_models_pytorch.", "torchvision.models.")
MOST_RENDERED_PIXELS = 10**9
"""The largest set of street scenes rendered because a run says so: 30 times the default set, about 3 GB."""

CONSENT = (
    "if the run is your own, name the folder of your options by --config-dir, whose GROUP/NAME.yaml are trusted; if it "
    "is not, do not use it"
)


def refuse_foreign_targets(config: Mapping[str, Any], consented: Collection[str] = ()) -> None:
    """Raise ValueError if config would build anything but networks, class groupings and what the user consented to.

    A dotted name is not enough: `segexp.model.unet.os.system` begins like one of ours. So the object must also be
    defined there, which is looked up only if its name begins like one of ours.
    """
    refuse_interpolations(config)
    for target in targets(config):
        ours = target.startswith(OURS + NETWORK_LIBRARIES) and _is_defined_there(target)
        if not ours and target not in consented:
            raise ValueError(
                f"the run's config wants to build {target!r}; from a run folder only {[*OURS, *NETWORK_LIBRARIES]} are "
                f"built: {CONSENT}"
            )


def refuse_interpolations(node: Any) -> None:
    """Raise ValueError for interpolations: a training resolves its configuration before it writes it."""
    for text in _texts(node):
        if "${" in text:
            raise ValueError(f"the run's config holds {text!r}, which no training writes; do not use this run")


def without_downloads(node: Any) -> Any:
    """A network's configuration without initial weights, at any depth. Raises ValueError for a network on a hub."""
    if isinstance(node, Mapping):
        return {key: None if key in WEIGHTS else without_downloads(value) for key, value in node.items()}
    if isinstance(node, list):
        return [without_downloads(entry) for entry in node]
    if isinstance(node, str) and any(sign in node for sign in ("hf-hub:", "hf_hub:", "local-dir:", "://")):
        raise ValueError(f"the run's config names a network to be fetched, {node!r}; nothing is fetched for a run")
    return node


def refuse_urls(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for a URL: the maker of the run, not its user, would choose which server is contacted."""
    for key, value in settings.items():
        urls = sorted(filter(is_url, _texts(value)))
        if urls:
            typed = f"{'' if key == 'root' else '+'}data.{key}=..."
            raise ValueError(
                f"the run's config names data at {urls[0]!r}, and nothing is fetched because a run says so; "
                f"if you trust that address, type it yourself: {typed}"
            )


def is_distribution(target: str) -> bool:
    """Whether a target is a distribution of scipy.stats; losses may take any of them."""
    from scipy import stats

    distribution = getattr(stats, target.removeprefix("scipy.stats."), None)
    return target.startswith("scipy.stats.") and isinstance(distribution, stats.rv_continuous | stats.rv_discrete)


def targets_in(files: Iterable[Path]) -> set[str]:
    """Every `_target_` in these YAML files. Raises ValueError naming a file that is no YAML."""
    return {target for file in files for target in targets(_read(file))}


def _read(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_bytes())
    except yaml.YAMLError as error:
        raise ValueError(f"{file} is not one document of YAML ({' '.join(str(error).split())})") from error


def targets(node: Any) -> Iterator[str]:
    """Every `_target_` in a nested configuration."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield str(node["_target_"])
        node = list(node.values())
    if isinstance(node, list):
        for entry in node:
            yield from targets(entry)


def _texts(node: Any) -> Iterator[str]:
    """Every text in a nested configuration, keys too."""
    if isinstance(node, str):
        yield node
    entries = [*node.keys(), *node.values()] if isinstance(node, Mapping) else node if isinstance(node, list) else []
    for entry in entries:
        yield from _texts(entry)


def _is_defined_there(target: str) -> bool:
    try:
        named = get_object(target)
    except ImportError:
        return False
    module = f"{getattr(named, '__module__', '')}."
    if module.startswith(OURS):
        return inspect.isclass(named) or inspect.isfunction(named)
    from torch import nn

    return module.startswith(NETWORK_LIBRARIES) and inspect.isclass(named) and issubclass(named, nn.Module)
