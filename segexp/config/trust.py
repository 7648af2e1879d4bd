"""What a configuration that came with a run folder, perhaps from a stranger, may build."""

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
"""Of a set of street scenes that is rendered because a run says so: 30 times the default set, about 3 GB."""

CONSENT = (
    "if the run is your own, name the folder of your options by --config-dir, whose GROUP/NAME.yaml are trusted; if it "
    "is not, do not use it"
)


def refuse_foreign_targets(config: Mapping[str, Any], consented: Collection[str] = ()) -> None:
    """Raise ValueError if config would build anything but networks, class groupings and what the user consented to.

    A dotted name is not believed: `segexp.model.unet.os.system` starts well, so the object itself is asked where it
    was defined, and only after its name was found to start with one of ours.
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
    """Raise ValueError for text that would be resolved when it is built: a run's config was, when it was written."""
    for text in _texts(node):
        if "${" in text:
            raise ValueError(f"the run's config holds {text!r}, which no training writes; do not use this run")


def without_downloads(node: Any) -> Any:
    """A network's config without initial weights, at any depth. Raises ValueError for a network on somebody's hub."""
    if isinstance(node, Mapping):
        return {key: None if key in WEIGHTS else without_downloads(value) for key, value in node.items()}
    if isinstance(node, list):
        return [without_downloads(entry) for entry in node]
    if isinstance(node, str) and any(sign in node for sign in ("hf-hub:", "hf_hub:", "local-dir:", "://")):
        raise ValueError(f"the run's config names a network to be fetched, {node!r}; nothing is fetched for a run")
    return node


def refuse_urls(settings: Mapping[str, Any]) -> None:
    """Raise ValueError for a place elsewhere: whoever made the run, and not its user, would choose what is asked."""
    for key, value in settings.items():
        found = sorted(filter(is_url, _texts(value)))
        if found:
            typed = f"{'' if key == 'root' else '+'}data.{key}=..."
            raise ValueError(
                f"the run's config names data at {found[0]!r}, and nothing is fetched because a run says so; "
                f"if you trust that address, type it yourself: {typed}"
            )


def is_law(target: str) -> bool:
    """Whether a target is a distribution of scipy.stats, which losses may take any of."""
    from scipy import stats

    law = getattr(stats, target.removeprefix("scipy.stats."), None)
    return target.startswith("scipy.stats.") and isinstance(law, stats.rv_continuous | stats.rv_discrete)


def targets_in(files: Iterable[Path]) -> set[str]:
    """Everything that these options build. Raises ValueError naming a file that is no YAML."""
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
        found = get_object(target)
    except ImportError:
        return False
    module = f"{getattr(found, '__module__', '')}."
    if module.startswith(OURS):
        return inspect.isclass(found) or inspect.isfunction(found)
    from torch import nn

    return module.startswith(NETWORK_LIBRARIES) and inspect.isclass(found) and issubclass(found, nn.Module)
