"""Weights of a checkpoint -> a model, or one error that says what does not fit."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def load_model(model: nn.Module, path: Path) -> None:
    """Fill the model with a training's weights. Raises ValueError where the file is torn or another architecture's."""
    weights = model_weights(path)
    check_fit(model, weights, path)
    model.load_state_dict(weights)


def model_weights(path: Path) -> dict[str, Tensor]:
    """The model's part of a checkpoint written by `segexp.train`; only tensors and plain values are ever unpickled."""
    return model_part(read(path))


def model_part(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    state = checkpoint.get("state_dict", {})
    return {key.removeprefix("model."): value for key, value in state.items() if key.startswith("model.")}


def check_fit(model: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    """Raise ValueError unless the weights have the model's keys and shapes."""
    expected = model.state_dict()
    missing = [key for key in expected if key not in weights]
    unexpected = [key for key in weights if key not in expected]
    shapes = [key for key in expected if key in weights and expected[key].shape != weights[key].shape]
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
    """Everything a checkpoint holds, on the CPU. Raises ValueError where the file is torn or holds code."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"{path} is torn, or holds more than tensors and plain values ({reason}); "
            "choose another checkpoint of the run: checkpoint=last or checkpoint=best"
        ) from error
