"""What an experiment sets for one option, where the command chose another option in its place.

`experiment=demo model=unet`: the experiment is written for GridNet and sets model.streams, which no U-Net has. Such
keys are left out, so that no run records a setting that had no effect; a command that sets one of them is refused.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override

from segexp.system.once import warn_once
from segexp.types import Values

log = logging.getLogger(__name__)


def without_leftovers(
    values: Mapping[str, Any],
    options: Sequence[Override],
    others: Sequence[Override],
    compose: Callable[[Sequence[str]], Mapping[str, Any]],
) -> Values:
    """A configuration without the keys that an experiment left over; a line says which they were.

    A key of a group is left over if the experiment sets it, and the option that the command chose builds another object
    than that of the experiment and has no such key.
    options: the overrides of the command that choose options. others: those that set values. compose: the configuration
    of a command with these overrides alone.
    Raises ValueError if the command sets a key that is left over; one that is typed with ++ is not.
    """
    experiments = [str(each.input_line) for each in options if each.key_or_group not in values]
    chosen = {each.key_or_group: str(each.input_line) for each in options if _is_part(values.get(each.key_or_group))}
    if not experiments or not chosen:
        return dict(values)
    forced = {each.key_or_group for each in others if each.is_force_add()}
    alone, kept = compose([*chosen.values()]), dict(values)
    for group, option in chosen.items():
        further = [key for key in values[group] if key not in alone[group] and f"{group}.{key}" not in forced]
        intended = compose(experiments)[group] if further else {}
        target, intention = values[group]["_target_"], intended.get("_target_")
        keys = [key for key in further if key in intended and target != intention]
        if keys:
            said = f"{' '.join(experiments)} sets {', '.join(f'{group}.{key}' for key in keys)} for {intention}"
            _refuse_typed(others, [f"{group}.{key}" for key in keys], f"{said}, and {option} builds {target}")
            warn_once(log, f"{said}: left out, since {option} builds {target}")
            kept[group] = {key: value for key, value in values[group].items() if key not in keys}
    return kept


def _is_part(node: Any) -> bool:
    """Whether a group builds one object; parts that stand beside each other are known by their own names."""
    return isinstance(node, Mapping) and "_target_" in node


def _refuse_typed(others: Sequence[Override], keys: Sequence[str], problem: str) -> None:
    for override in others:
        if ".".join(override.key_or_group.split(".")[:2]) in keys and not override.is_delete():
            raise ValueError(
                f"{override.input_line}: {problem}, whose YAML file has no such key; leave it out, or type "
                f"'++{override.input_line}' if it accepts it anyway"
            )
