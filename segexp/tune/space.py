"""The search space of a study, and a trial's values as overrides of segexp.train."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.errors import HydraException
from optuna.distributions import BaseDistribution

from segexp import build
from segexp.config.compose import compose
from segexp.config.grammar import quoted

Space = dict[str, BaseDistribution]
"""Key of segexp.train -> values it may take."""


def space(nodes: Mapping[str, Mapping[str, Any]]) -> Space:
    """From conf/tune.yaml. Raises ValueError naming what is no distribution, or two that vary one key."""
    if not nodes:
        raise ValueError("space is empty; give at least one key to vary, as conf/tune.yaml does")
    found: Space = {}
    for name, node in nodes.items():
        if "key" not in node:
            raise ValueError(f"space.{name} has no key; give the key of segexp.train that it varies")
        if node["key"] in found:
            raise ValueError(f"space.{name} varies {node['key']}, as another one does; leave one out: ~space.{name}")
        try:
            distribution = build.part({key: value for key, value in node.items() if key != "key"})
        except ValueError as error:
            raise ValueError(f"space.{name}: {error}") from error
        if not isinstance(distribution, BaseDistribution):
            raise ValueError(f"space.{name} is {distribution!r}; needed is a _target_ of optuna.distributions")
        found[node["key"]] = distribution
    return found


def typed(key: str, value: Any) -> str:
    """key=value in Hydra's grammar."""
    return f"{key}={_value(value)}"


def overrides(values: Mapping[str, Any]) -> list[str]:
    return [typed(key, value) for key, value in values.items()]


def check(train: Sequence[str], searched: Space) -> None:
    """Compose a trial at each end of the space. Raises ValueError for what segexp.train would not take."""
    if isinstance(train, str):
        raise ValueError(f"train is {train!r}; give it behind --: study=NAME -- model=unet loss=lovasz_beta")
    for end in (0, -1):
        chosen = [typed(key, _ends(distribution)[end]) for key, distribution in searched.items()]
        try:
            compose("train", [*train, *chosen])
        except (HydraException, ValueError) as error:
            reason = str(error).split("\nConfig search path:")[0]
            raise ValueError(
                f"segexp.train does not take {' '.join([*train, *chosen])}: {reason}\n"
                "what stands behind -- replaces `train` of conf/tune.yaml; ~space.NAME leaves a value out of the search"
            ) from error


def _ends(distribution: Any) -> Sequence[Any]:
    return getattr(distribution, "choices", None) or (distribution.low, distribution.high)


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_value(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_value(entry) for entry in value) + "]"
    return quoted(value) if isinstance(value, str) else repr(value)
