"""Which settings of a training change none of its weights, as its parts say themselves; comparisons leave them out."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from hydra.utils import get_object
from pydantic import BaseModel

from segexp.config.schema import WithoutEffect
from segexp.train.settings import TrainSettings


def settings_without_effect(values: Mapping[str, Any]) -> list[str]:
    """Dotted keys, or their beginnings, of this configuration that change no weight, or change it by rounding only.

    A setting says so by WithoutEffect in its type. A callback says so by a class attribute `changes_weights = False`;
    one that does not have it counts as changing them.
    """
    callbacks = values["callbacks"].items()
    quiet = [name for name, node in callbacks if not getattr(get_object(node["_target_"]), "changes_weights", True)]
    return [*keys_without_effect(TrainSettings), *(f"callbacks.{name}" for name in quiet)]


def keys_without_effect(settings: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted keys of these settings whose type says that they have no effect on weights, at any depth."""
    for name, field in settings.model_fields.items():
        if any(isinstance(each, WithoutEffect) for each in field.metadata):
            yield f"{prefix}{name}"
            continue
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from keys_without_effect(kind, f"{prefix}{name}.")
