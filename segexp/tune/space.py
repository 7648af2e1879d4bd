"""The search space of a study, and a trial's values as overrides of segexp.train."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.errors import HydraException
from optuna.distributions import BaseDistribution

from segexp import build
from segexp.config.compose import compose
from segexp.config.grammar import quote

Space = dict[str, BaseDistribution]
"""Key of segexp.train -> the distribution of its values."""


def build_space(nodes: Mapping[str, Mapping[str, Any]]) -> Space:
    """The distributions that `space` of conf/tune.yaml names. Raises ValueError naming an entry that is none."""
    space: Space = {}
    for name, node in nodes.items():
        try:
            distribution = build.part({key: value for key, value in node.items() if key != "key"})
        except ValueError as error:
            raise ValueError(f"space.{name}: {error}") from error
        if not isinstance(distribution, BaseDistribution):
            raise ValueError(
                f"space.{name}._target_ is {node.get('_target_')!r}, which is not a distribution; allowed: those of "
                "optuna.distributions, such as optuna.distributions.FloatDistribution"
            )
        space[node["key"]] = distribution
    return space


def override(key: str, value: Any) -> str:
    """key=value in Hydra's grammar."""
    return f"{key}={_text(value)}"


def overrides(values: Mapping[str, Any]) -> list[str]:
    return [override(key, value) for key, value in values.items()]


def check_composes(train: Sequence[str], space: Space) -> None:
    """Compose a trial at each end of the space. Raises ValueError for what segexp.train would not take."""
    for end in (0, -1):
        values = [override(key, _ends(distribution)[end]) for key, distribution in space.items()]
        try:
            compose("train", [*train, *values])
        except (HydraException, ValueError) as error:
            reason = str(error).split("\nConfig search path:")[0]
            raise ValueError(
                f"segexp.train does not accept {' '.join([*train, *values])}: {reason}\n"
                "arguments after -- replace `train` of conf/tune.yaml; ~space.NAME leaves a value out of the search"
            ) from error


def _ends(distribution: Any) -> Sequence[Any]:
    return getattr(distribution, "choices", None) or (distribution.low, distribution.high)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_text(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(entry) for entry in value) + "]"
    return quote(value) if isinstance(value, str) else repr(value)
