"""A configuration -> plain values: the one place where it stops being one."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from segexp.types import Values


def plain_values(config: DictConfig) -> Values:
    """Resolved, as dicts, lists, numbers and texts. Raises ValueError naming the keys that have no value yet."""
    missing = sorted(_without_value(OmegaConf.to_container(config)))
    if missing:
        raise ValueError(f"no value for {', '.join(missing)}; add {missing[0]}=... to the command")
    return cast(Values, OmegaConf.to_container(config, resolve=True))


def flat_values(values: Mapping[str, Any], prefix: str = "") -> Values:
    """Nested values by dotted key: {"a": {"b": 1}} -> {"a.b": 1}; a list or an empty node is one value."""
    flat: Values = {}
    for key, value in values.items():
        is_nested = isinstance(value, Mapping) and value
        flat.update(flat_values(value, f"{prefix}{key}.") if is_nested else {f"{prefix}{key}": value})
    return flat


def _without_value(node: Any, prefix: str = "") -> Iterator[str]:
    """Dotted keys of ???; OmegaConf.missing_keys stumbles over interpolations of them."""
    entries = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        if value == "???":
            yield f"{prefix}{key}"
        yield from _without_value(value, f"{prefix}{key}.")
