"""Settings of a run as flat values, and which of them may change a result."""

from collections.abc import Mapping, Sequence
from typing import Any

from segexp.config.facts import is_fact

DATA_FINGERPRINT = "data.fingerprint"
"""A key beside the settings: the first digits of the fingerprint of the training images, the same wherever they lie."""
UNKNOWN = "unknown"
"""The fingerprint of a training that recorded none."""


def flat_settings(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted key. A list is one value; an empty node has none."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flat_settings(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def data_fingerprint(settings: Mapping[str, Any], fingerprints: Mapping[str, Any]) -> dict[str, str]:
    """The entry DATA_FINGERPRINT of a training. fingerprints: split -> fingerprint, as environment.json has them."""
    return {DATA_FINGERPRINT: str(fingerprints.get(str(settings.get("data.train_split", "train")), UNKNOWN))[:8]}


def relevant_settings(settings: Mapping[str, Any], without_effect: Sequence[str]) -> dict[str, Any]:
    """Settings that may change a result, in one form: without the seed, nulls, and facts, which nobody chose.

    without_effect: keys, or beginnings of them, that the run recorded to change no weight.
    """
    beginnings = tuple(f"{key}." for key in without_effect)
    excluded = {"seed", *without_effect}
    return {
        key: _normal(value)
        for key, value in settings.items()
        if value is not None and key not in excluded and not key.startswith(beginnings) and not is_fact(value)
    }


def _normal(value: Any) -> Any:
    """Give values that train alike the same `repr`: 2.0 becomes 2, in lists too."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_normal(each) for each in value]
    return {key: _normal(each) for key, each in value.items()} if isinstance(value, Mapping) else value
