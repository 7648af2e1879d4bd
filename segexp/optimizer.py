"""The learning rate, weight decay and further options of an optimizer by part of the network."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

Factors = Mapping[str, float]
"""Option of the optimizer -> what its value is multiplied by."""

NORMS_AND_BIASES = "norms_and_biases"
"""The part that consists of all parameters with one dimension."""
REST = "rest"
"""Name of the group of all parameters that are in no part."""


def parameter_groups(
    module: nn.Module, parts: Mapping[str, Factors], options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Group the parameters of a module by the parts they are in; each group has options of its own.

    parts: name of a part -> factors of the optimizer's options. A part is a parameter of the network or a module in it,
        by its name there (encoder, decoder.blocks.0), or NORMS_AND_BIASES. For a parameter in several parts, factors
        of the same option are multiplied.
    options: the options of the optimizer.
    Returns groups as optimizers take them, that of parameters in no part first.
    Raises ValueError for a part without parameters, and for an option that is no number.
    """
    for part, factors in parts.items():
        _check_options(part, factors, options)
    members = {part: {name for name, parameter in _named(module) if _is_in(part, name, parameter)} for part in parts}
    for part, names in members.items():
        if not names:
            raise ValueError(
                f"optimizer.parts has {part!r}, which has no parameters; parts: {_known(module)}; correct its "
                f"name, or leave it out by '~optimizer.parts.{part}'"
            )
    grouped: dict[tuple[str, ...], list[nn.Parameter]] = {(): []}
    for name, parameter in _named(module):
        grouped.setdefault(tuple(part for part in parts if name in members[part]), []).append(parameter)
    return [
        {"params": parameters, "name": " and ".join(chosen) or REST, **_scaled(options, map(parts.__getitem__, chosen))}
        for chosen, parameters in grouped.items()
        if parameters
    ]


def learning_rates(optimizer: Optimizer) -> dict[str, float]:
    """The rate of the first group as `lr`; if there are several, also that of each as `lr/NAME`."""
    groups = optimizer.param_groups
    by_group = {f"lr/{group.get('name', index)}": group["lr"] for index, group in enumerate(groups)}
    return {"lr": groups[0]["lr"], **(by_group if len(groups) > 1 else {})}


def _check_options(part: str, factors: Factors, options: Mapping[str, Any]) -> None:
    numbers = [name for name, value in options.items() if type(value) in (int, float)]
    for name, factor in factors.items():
        if name not in numbers:
            raise ValueError(f"optimizer.parts.{part} has {name!r}; allowed: {', '.join(numbers) or 'nothing'}")
        if type(factor) not in (int, float) or not 0 <= factor < float("inf"):
            raise ValueError(f"optimizer.parts.{part}.{name} is {factor!r}; allowed: a factor of at least 0")


def _scaled(options: Mapping[str, Any], chosen: Iterable[Factors]) -> dict[str, float]:
    scaled: dict[str, float] = {}
    for factors in chosen:
        for name, factor in factors.items():
            scaled[name] = scaled.get(name, options[name]) * factor
    return scaled


def _named(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Parameters by their names in the network, which is `network` of a model, which is `model` of a task."""
    for name, parameter in module.named_parameters():
        yield name.removeprefix("model.").removeprefix("network."), parameter


def _is_in(part: str, name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim <= 1 if part == NORMS_AND_BIASES else f"{name}.".startswith(f"{part}.")


def _known(module: nn.Module) -> str:
    children = dict.fromkeys(name.partition(".")[0] for name, _ in _named(module))
    return ", ".join([*children, NORMS_AND_BIASES, "and modules within these, such as encoder.layer1"])
