"""Configurations side by side."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from segexp.compare.verdict.settings import compared
from segexp.compare.verdict.variants import Variants

ABSENT = ""


class Settings(NamedTuple):
    """Keys that differ between variants, and the values of each variant as text; empty: it has no such key."""

    keys: list[str]
    values: dict[str, list[str]]


def differing(variants: Variants) -> Settings:
    """As `differing_keys`, with the values."""
    settings = _settings(variants)
    keys = differing_keys(variants)
    return Settings(keys, {name: [_shown(each, key) for key in keys] for name, each in settings.items()})


def differing_keys(variants: Variants) -> list[str]:
    """Without the seed and bookkeeping."""
    settings = list(_settings(variants).values())
    keys = dict.fromkeys(key for each in settings for key in each)
    return [key for key in keys if len({repr(each.get(key, ABSENT)) for each in settings}) > 1]


def _settings(variants: Variants) -> dict[str, dict[str, Any]]:
    """Of one run of each variant: the others have the same."""
    return {name: compared(next(iter(runs.values())).settings) for name, runs in variants.items()}


def _shown(settings: Mapping[str, Any], key: str) -> str:
    value = settings.get(key, ABSENT)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
