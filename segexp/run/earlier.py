"""Configurations that earlier versions recorded, in the words of today."""

from collections.abc import Mapping
from typing import Any

from segexp.types import Values

LOSSES_WITH_A_LAW = ("segexp.loss.lovasz.", "segexp.loss.lovasz_softmax.")
"""They called the distribution of their threshold `law` when version 0.1.0 began."""


def in_words_of_today(config: Mapping[str, Any]) -> Values:
    """The same configuration with keys renamed, at any depth, as they have been since it was recorded."""
    return {_key(key, config): _renamed(value) for key, value in config.items()}


def _renamed(node: Any) -> Any:
    if isinstance(node, Mapping):
        return in_words_of_today(node)
    return [_renamed(each) for each in node] if isinstance(node, list) else node


def _key(key: str, node: Mapping[str, Any]) -> str:
    is_law = key == "law" and str(node.get("_target_")).startswith(LOSSES_WITH_A_LAW)
    return "distribution" if is_law else key
