"""Refuse a list where a part takes one value: not every part notices, and some train with it all the same."""

from collections.abc import Mapping
from inspect import Parameter
from types import UnionType
from typing import Any, Union, Unpack, get_args, get_origin

from segexp.config.schema import shown

TYPES = {bool, int, float, str, type(None)}
"""Types of arguments that no list has."""


def refuse_lists(node: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> None:
    """Raise ValueError if the annotation of an argument says that it is one value, and it is a list.

    node: the arguments by name, and `_target_`. parameters: those of the function that it names.
    """
    kinds = {name: each.annotation for name, each in parameters.items()}
    for kind in [*kinds.values()]:
        if get_origin(kind) is Unpack:  # **options: Unpack[Options]
            kinds |= get_args(kind)[0].__annotations__
    for name, value in node.items():
        kind = kinds.get(name)
        allowed = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        if isinstance(value, list) and set(allowed) <= TYPES:
            words = " or ".join("null" if each is type(None) else each.__name__ for each in allowed)
            raise ValueError(
                f"{node['_target_']}: {name} is {shown(value)}; allowed: one value ({words}); to train with each of "
                "several, type them without brackets behind python -m segexp.train -m"
            )
