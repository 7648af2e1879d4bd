"""The precision and the memory format of a training: decided once, by the first rank, and the same on all ranks."""

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import nn

from segexp.system.arithmetic import decide, use_memory_format
from segexp.system.lightning_internals import set_precision
from segexp.system.trainer_precision import trainer_word, with_one_precision
from segexp.types import Values


def decide_arithmetic(values: Mapping[str, Any]) -> tuple[Values, str]:
    """The configuration with what is fastest on this device in place of `auto`, and the reason in a few words.

    A configuration in which everything is decided comes back as it is. Lightning's further words, such as bf16-true,
    are taken as they are, in the contiguous format if nobody says otherwise.
    Raises ValueError for a precision that cannot be trained on this device.
    """
    values = with_one_precision(values)
    word = values["trainer"].get("precision")
    precision, memory_format = values["precision"], values["memory_format"]
    if word is not None:
        kept = "contiguous" if memory_format == "auto" else memory_format
        return {**values, "memory_format": kept}, f"trainer.precision={word}"
    device = _device(values["trainer"])
    chosen = decide(precision, memory_format, device)
    if chosen.precision == "float16" and device.type != "cuda":
        raise ValueError(
            f"precision is 'float16', whose gradients must be scaled, which is only done on GPUs, and this training "
            f"runs on: {device.type}; allowed here: auto, float32, bfloat16"
        )
    return {**values, "precision": chosen.precision, "memory_format": chosen.memory_format}, chosen.reason


def arithmetic_line(values: Mapping[str, Any], reason: str) -> str:
    """For the terminal. values: a configuration in which everything is decided."""
    precision = values["trainer"].get("precision") or values["precision"]
    return f"precision   {precision}, {values['memory_format']} ({reason})"


class SameArithmetic(Callback):
    """Lets all ranks compute as the first one decided: ranks of unlike machines would decide differently.

    model: the network. values: a configuration in which everything is decided, by this rank.
    """

    def __init__(self, model: nn.Module, values: Mapping[str, Any]) -> None:
        self.model = model
        self.arithmetic = trainer_word(values), values["memory_format"]

    def setup(self, trainer: Trainer, task: LightningModule, stage: str) -> None:
        """Once the ranks can talk to each other, and before the strategy takes the network."""
        decided = trainer.strategy.broadcast(self.arithmetic)
        if decided != self.arithmetic:
            word, memory_format = self.arithmetic = decided
            set_precision(trainer, word)
            use_memory_format(self.model, memory_format)


def _device(trainer: Mapping[str, Any]) -> torch.device:
    """Which Lightning will take, the first one if it takes several."""
    device = torch.accelerator.current_accelerator(check_available=True)
    if device is None or trainer["accelerator"] == "cpu":
        return torch.device("cpu")
    devices = trainer["devices"]
    return torch.device(device.type, devices[0] if isinstance(devices, list) and devices else 0)
