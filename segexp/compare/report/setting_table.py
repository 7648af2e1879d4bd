"""Settings of the variants side by side."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from segexp.compare.verdict.variants import Variants

ABSENT = ""


class SettingTable(NamedTuple):
    """Keys that differ between variants, and the values of each variant as text; empty: it has no such key."""

    keys: list[str]
    values: dict[str, list[str]]


def setting_table(variants: Variants) -> SettingTable:
    """The settings that differ between variants, without what says no more than the names of their options do."""
    settings = _settings(variants)
    keys = [key for key in differing_keys(variants) if not _follows_from_option(key, variants)]
    return SettingTable(keys, {name: [_text(each, key) for key in keys] for name, each in settings.items()})


def differing_keys(variants: Variants) -> list[str]:
    """Keys of the settings that differ between variants and may change a result."""
    settings = list(_settings(variants).values())
    keys = dict.fromkeys(key for each in settings for key in each)
    return [key for key in keys if len({repr(each.get(key, ABSENT)) for each in settings}) > 1]


def _follows_from_option(key: str, variants: Variants) -> bool:
    """Whether the key is the import path of a group's option that differs, too."""
    group = key.removesuffix("._target_")
    return key != group and len({run.choices.get(group) for runs in variants.values() for run in runs.values()}) > 1


def _settings(variants: Variants) -> dict[str, dict[str, Any]]:
    """The settings of each variant, which all of its runs have in common."""
    return {name: next(iter(runs.values())).relevant_settings() for name, runs in variants.items()}


def _text(settings: Mapping[str, Any], key: str) -> str:
    value = settings.get(key, ABSENT)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
