"""Read checkpoints and load their weights into a model; one error says what does not fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segexp.system.memory import is_out_of_memory

EXTRA_STATE = "_extra_state"
"""PyTorch's key of what a module's `get_extra_state` returns, which may be any plain value."""


def load_weights(model: nn.Module, path: Path) -> int:
    """Load a checkpoint's weights into the model; returns the optimizer step after which they were stored.

    Raises ValueError if the file is torn or of another architecture.
    """
    stored = read(path)
    weights = model_part(stored)
    check_fit(model, weights, path)
    model.load_state_dict(weights)
    return stored["global_step"]


def model_weights(path: Path) -> dict[str, Any]:
    """The weights of the model in a checkpoint of `segexp.train`; only tensors and plain values are unpickled."""
    return model_part(read(path))


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
            raise OSError(f"the memory that is left does not hold {path} ({reason}); end what else uses it") from error
        raise ValueError(
            f"{path} is torn, or holds more than tensors and plain values ({reason}); "
            "choose another checkpoint of the run: checkpoint=last or checkpoint=best"
        ) from error
    if not _is_of_training(content):
        raise ValueError(
            f"{path} holds no weights of segexp.train; choose another checkpoint of the run, or train again"
        )
    return content


def _is_of_training(content: Any) -> bool:
    if not isinstance(content, dict) or type(content.get("global_step")) is not int:
        return False
    state = content.get("state_dict")
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        return False
    return all(isinstance(value, Tensor) or _is_extra(key) for key, value in model_part(content).items())


def _is_extra(key: str) -> bool:
    return key.rpartition(".")[2] == EXTRA_STATE
