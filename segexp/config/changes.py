"""Overrides of Hydra's grammar, applied to plain values."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from segexp.types import Values


@dataclass(frozen=True)
class Change:
    """One override. key: dotted. adds: typed with +. deletes: typed with ~. typed: the whole of it."""

    key: str
    value: Any
    adds: bool
    deletes: bool
    typed: str

    @property
    def parent(self) -> str:
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.key.rpartition(".")[2]

    def parent_in(self, values: Mapping[str, Any]) -> Any:
        """What stands under the parent's key; None if nothing does."""
        node: Any = values
        for name in self.parent.split(".") if self.parent else ():
            node = node.get(name) if isinstance(node, Mapping) else None
        return node

    def is_known_to(self, values: Mapping[str, Any]) -> bool:
        parent = self.parent_in(values)
        return isinstance(parent, Mapping) and self.name in parent


def parse_changes(overrides: Sequence[str]) -> list[Change]:
    """As they are typed after a command. Raises Hydra's OverrideParseException for what is no override."""
    return [_change(override) for override in OverridesParser.create().parse_overrides(list(overrides))]


def _change(override: Override) -> Change:
    adds = override.is_add() or override.is_force_add()
    value = None if override.is_delete() else override.value()
    return Change(override.key_or_group, value, adds, override.is_delete(), str(override.input_line))


def apply_change(values: Mapping[str, Any], change: Change) -> Values:
    """A copy with the change made; a key that is to be deleted must be there."""
    changed = copy.deepcopy(dict(values))
    node: Any = changed
    for name in change.parent.split(".") if change.parent else ():
        if not isinstance(node.get(name), dict):
            node[name] = {}
        node = node[name]
    if change.deletes:
        del node[change.name]
    else:
        node[change.name] = change.value
    return changed
