"""A configuration -> plain values."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

Config = DictConfig | Mapping[str, Any]


def plain_values(config: Config) -> dict[str, Any]:
    """The resolved configuration as plain values. Raises ValueError naming the keys that have no value yet."""
    if not isinstance(config, DictConfig):
        return dict(config)
    missing = sorted(_without_value(OmegaConf.to_container(config)))
    if missing:
        raise ValueError(f"no value for {', '.join(missing)}; add {missing[0]}=... to the command")
    return cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))


def _without_value(node: Any, prefix: str = "") -> Iterator[str]:
    """Dotted keys of ???; OmegaConf.missing_keys stumbles over interpolations of them."""
    entries = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        if value == "???":
            yield f"{prefix}{key}"
        yield from _without_value(value, f"{prefix}{key}.")
