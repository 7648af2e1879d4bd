"""Read checkpoints and load their weights into a model; one error says what does not fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from segexp.system.memory import is_out_of_memory
from segexp.types import Weights

AVERAGED = "averaged_model"
"""Key of a checkpoint under which an average of the model's weights stands, by the model's own names."""
EXTRA_STATE = "_extra_state"
"""PyTorch's key of what a module's `get_extra_state` returns, which may be any plain value."""


class Loaded(NamedTuple):
    """step: of the optimizer, after which the weights were stored. weights: which; None if there was no choice."""

    step: int
    weights: Weights | None


def load_weights(model: nn.Module, path: Path, weights: Weights | None = None) -> Loaded:
    """Load the weights of a checkpoint into the model. weights: as in `model_weights`.

    Raises ValueError if the file is torn, of another architecture, or without the average that was asked for.
    """
    content = read(path)
    state, kind = _choose(content, path, weights)
    check_fit(model, state, path)
    model.load_state_dict(state)
    return Loaded(content["global_step"], kind)


def model_weights(path: Path, weights: Weights | None = None) -> dict[str, Any]:
    """The weights of the model in a checkpoint of `segexp.train`; only tensors and plain values are unpickled.

    weights: raw, those that were trained; averaged, their average over the steps; None, the average where there is one.
    Raises ValueError if the file is torn, or without the average that was asked for.
    """
    return _choose(read(path), path, weights)[0]


def _choose(content: Mapping[str, Any], path: Path, weights: Weights | None) -> tuple[dict[str, Any], Weights | None]:
    """The chosen weights of the model, and which they are; None if there was no choice."""
    if AVERAGED not in content:
        if weights == "averaged":
            raise ValueError(
                f"weights is 'averaged', and {path} has no average, as its run was trained without callbacks.ema; "
                "leave weights out, or train with callbacks=[default,ema]"
            )
        return model_part(content), None
    return (model_part(content), "raw") if weights == "raw" else (content[AVERAGED], "averaged")


def model_part(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The model's entries of a checkpoint: tensors, and any plain values of an extra state."""
    state = checkpoint["state_dict"]
    return {key.removeprefix("model."): value for key, value in state.items() if key.startswith("model.")}


def check_fit(model: nn.Module, weights: dict[str, Any], path: Path) -> None:
    """Raise ValueError unless the weights have exactly the keys and shapes of the model."""
    expected = model.state_dict()
    missing = [key for key in expected if key not in weights]
    unexpected = [key for key in weights if key not in expected]
    tensors = [key for key in expected if key in weights and not _is_extra(key)]
    shapes = [key for key in tensors if expected[key].shape != weights[key].shape]
    if not (missing or unexpected or shapes):
        return
    example = (
        f"{shapes[-1]} is {list(weights[shapes[-1]].shape)} there and {list(expected[shapes[-1]].shape)} here"
        if shapes
        else f"the first is {(missing + unexpected)[0]}"
    )
    raise ValueError(
        f"{path} is of another architecture or number of classes: {len(missing)} tensors missing, {len(unexpected)} "
        f"unexpected, {len(shapes)} of another shape; {example}; use the model= and classes= that it was trained with"
    )


def read(path: Path) -> dict[str, Any]:
    """Everything that a checkpoint holds, on the CPU.

    Raises ValueError if the file is torn or not a training's, OSError if memory does not suffice.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle raises whatever its bytes come to mean
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if is_out_of_memory(error):
            raise OSError(f"not enough memory to load {path} ({reason}); end other programs that use it") from error
        raise ValueError(
            f"{path} is damaged, or contains more than tensors and plain values ({reason}); "
            "choose another checkpoint of the run: checkpoint=last or checkpoint=best"
        ) from error
    if not _is_of_training(content):
        raise ValueError(f"{path} has no weights of segexp.train; choose another checkpoint of the run, or train again")
    return content


def _is_of_training(content: Any) -> bool:
    if not isinstance(content, dict) or type(content.get("global_step")) is not int:
        return False
    state = content.get("state_dict")
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        return False
    return _is_state(model_part(content)) and _is_state(content.get(AVERAGED, {}))


def _is_state(content: Any) -> bool:
    """Whether these are the tensors of a model by name, with any plain values of an extra state."""
    return isinstance(content, dict) and all(
        isinstance(key, str) and (isinstance(value, Tensor) or _is_extra(key)) for key, value in content.items()
    )


def _is_extra(key: str) -> bool:
    return key.rpartition(".")[2] == EXTRA_STATE
