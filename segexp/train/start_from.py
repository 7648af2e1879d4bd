"""Begin a training with the weights of an earlier run, as far as they fit the network."""

from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from segexp.run.checkpoint import model_weights
from segexp.types import Values

NUM_SHOWN = 5
ENCODER = "network.encoder."
NORMALIZATION = ("mean", "std")
"""Of the images that an encoder's weights were trained with, see `segexp.model.normalization`."""


class StartWeights(NamedTuple):
    """What a training began with.

    path: of the checkpoint. num_copied: tensors that were copied. fresh: tensors of the network that keep their initial
    values, each with the reason. unused: tensors of the checkpoint that the network does not have.
    """

    path: Path
    num_copied: int
    fresh: list[str]
    unused: list[str]

    def record(self) -> Values:
        """For environment.json."""
        return {**self._asdict(), "path": str(self.path)}

    def summary(self) -> str:
        num_tensors = self.num_copied + len(self.fresh)
        lines = [f"start_from  {self.num_copied} of {num_tensors} tensors were copied from {self.path}"]
        lines += [f"fresh       {each}" for each in _shorten(self.fresh)]
        lines += [f"not used    {each}" for each in _shorten(self.unused)]
        return "\n".join(lines)


def copy_weights(model: nn.Module, path: Path) -> StartWeights:
    """Copy every tensor of a checkpoint whose name and shape the model has; the average if there is one.

    Mean and standard deviation of the images are copied only with the whole encoder, as they belong to its weights.
    Raises ValueError if the file is torn, or if no tensor fits.
    """
    stored = {name: value for name, value in model_weights(path).items() if isinstance(value, Tensor)}
    own = {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}
    fitting = {name: value for name, value in stored.items() if name in own and own[name].shape == value.shape}
    if any(name.startswith(ENCODER) and name not in fitting for name in own):
        fitting = {name: value for name, value in fitting.items() if name not in NORMALIZATION}
    if fitting.keys() <= set(NORMALIZATION):
        raise ValueError(
            f"start_from: no tensor of {path} has the name and the shape of one of this network; choose a run of the "
            "same model=, or leave start_from out"
        )
    model.load_state_dict(fitting, strict=False)
    fresh = [_reason(name, value, stored.get(name)) for name, value in own.items() if name not in fitting]
    return StartWeights(path, len(fitting), fresh, [name for name in stored if name not in own])


def _reason(name: str, own: Tensor, stored: Tensor | None) -> str:
    if name in NORMALIZATION and stored is not None:
        return f"{name}, as it belongs to the weights of the encoder"
    there = "absent" if stored is None else str(list(stored.shape))
    return f"{name}, {list(own.shape)} here, {there} there"


def _shorten(names: list[str]) -> list[str]:
    more = [f"and {len(names) - NUM_SHOWN} more, listed in environment.json"] if len(names) > NUM_SHOWN else []
    return [*names[:NUM_SHOWN], *more]
