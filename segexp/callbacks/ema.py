"""Keep an exponential moving average of the weights, validate it, and store it beside the weights themselves."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.strategies import FSDPStrategy, ModelParallelStrategy
from torch import Tensor, distributed
from torch.optim.swa_utils import get_ema_multi_avg_fn

from segexp.run.checkpoint import AVERAGED


class AverageWeights(Callback):
    """After every optimizer step, moves an average of the network's weights towards them; validations see the average.

    decay: d, in [0, 1). After step n, counted from 0, average <- a * average + (1 - a) * weights, where
    a = min(d, (1 + n) / (10 + n)): the first steps, far from the last ones, are forgotten soon.

    The average is kept in float32 at least, so that half precision does not round its small steps away. It holds the
    network's parameters and its floating-point buffers: the statistics of batch normalisation belong to the weights
    that they were counted with. Everything else in the network's state, such as counts of batches, is not averaged.

    All scores val/*, and so the best checkpoint, early stopping and the panels, are those of the average. Training goes
    on with the weights themselves. Every checkpoint, also one that is written in a validation, holds these in
    `state_dict` and the average under `averaged_model`; a resumed training ends with the average of an undisturbed one.
    Under DDP the average of rank 0 counts, as buffers differ between ranks until the next step.

    Lightning's EMAWeightAveraging is not used: it returns to the weights before other callbacks draw the panels, a
    checkpoint that a signal writes in a validation holds both sets interchanged, and others hold the average where
    the weights are looked for.

    Raises ValueError for any other decay; where ranks share the parameters out (FSDP); and where a checkpoint is to
    hold weights only, since Lightning then asks no callback which ones.
    Source: Tarvainen and Valpola 2017, arXiv:1703.01780 (mean teacher); the warm-up is that of TensorFlow's
    ExponentialMovingAverage.
    """

    def __init__(self, decay: float) -> None:
        if isinstance(decay, bool) or not isinstance(decay, int | float) or not 0 <= decay < 1:
            raise ValueError(f"callbacks.ema.decay is {decay!r}; allowed: a number of at least 0 and below 1")
        self.decay = decay
        self.num_updates = 0
        self.global_step = 0
        self.weights: dict[str, Tensor] = {}
        self.average: dict[str, Tensor] = {}
        self.set_aside: dict[str, Tensor] = {}
        self.loaded: dict[str, Any] = {}

    def setup(self, trainer: Trainer, task: LightningModule, stage: str) -> None:
        if isinstance(trainer.strategy, FSDPStrategy | ModelParallelStrategy):
            raise ValueError(
                "callbacks.ema averages whole parameters, and trainer.strategy shards them over the ranks; use "
                "trainer=ddp, or leave ema out of callbacks="
            )
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        if any(isinstance(each, ModelCheckpoint) and each.save_weights_only for each in callbacks):
            raise ValueError(
                "a callback has save_weights_only=true: its checkpoints could hold the weights or their average; "
                "leave it out, or leave ema out of callbacks="
            )
        # last, so that whatever others do at the end of a validation is done with the average
        trainer.callbacks = [*(each for each in callbacks if each is not self), self]  # type: ignore[attr-defined]

    def on_load_checkpoint(self, trainer: Trainer, task: LightningModule, checkpoint: dict[str, Any]) -> None:
        if AVERAGED in checkpoint:
            self.loaded = checkpoint[AVERAGED]
            self.num_updates, self.global_step = checkpoint["averaging"]["num_updates"], checkpoint["global_step"]

    def on_fit_start(self, trainer: Trainer, task: LightningModule) -> None:
        """Begin with the average of the checkpoint, or with the weights; both are on their device by now."""
        state = task.model.state_dict()  # type: ignore[union-attr]
        self.weights = {name: value for name, value in state.items() if _is_averaged(value)}
        self.average = {name: _copy(self.loaded.get(name, value), like=value) for name, value in self.weights.items()}
        self.loaded = {}

    def on_train_batch_end(self, trainer: Trainer, task: LightningModule, outputs, batch, batch_index: int) -> None:
        self._follow(trainer)

    def on_validation_start(self, trainer: Trainer, task: LightningModule) -> None:
        if self.average:
            _share_buffers(self.average, task)
            self.set_aside = {name: value.clone() for name, value in self.weights.items()}
            _assign(self.weights, self.average)

    def on_validation_end(self, trainer: Trainer, task: LightningModule) -> None:
        self._return()

    def on_exception(self, trainer: Trainer, task: LightningModule, exception: BaseException) -> None:
        self._return()

    def on_save_checkpoint(self, trainer: Trainer, task: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._follow(trainer)  # a callback that saves at the end of a batch may come before this one
        state = checkpoint["state_dict"]
        state.update({f"model.{name}": value for name, value in self.set_aside.items()})
        others = {key.removeprefix("model."): value for key, value in state.items() if key.startswith("model.")}
        checkpoint[AVERAGED] = {**others, **self.average}
        checkpoint["averaging"] = {"num_updates": self.num_updates}

    def _follow(self, trainer: Trainer) -> None:
        """Update the average, once for each optimizer step."""
        if trainer.global_step == self.global_step or not self.average:
            return
        decay = min(self.decay, (1 + self.num_updates) / (10 + self.num_updates))
        averages = list(self.average.values())
        weights = [value.to(average.dtype) for value, average in zip(self.weights.values(), averages, strict=True)]
        get_ema_multi_avg_fn(decay)(averages, weights, self.num_updates)
        self.num_updates += 1
        self.global_step = trainer.global_step

    def _return(self) -> None:
        """Give the network its own weights back."""
        if self.set_aside:
            _assign(self.weights, self.set_aside)
            self.set_aside = {}


def _is_averaged(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _copy(value: Tensor, like: Tensor) -> Tensor:
    """A copy in float32 at least, with the device and memory format of another tensor."""
    precise = torch.promote_types(like.dtype, torch.float32)
    return torch.empty_like(like, dtype=precise).copy_(value)


@torch.no_grad()
def _assign(targets: dict[str, Tensor], values: dict[str, Tensor]) -> None:
    for name, target in targets.items():
        target.copy_(values[name])


def _share_buffers(average: dict[str, Tensor], task: LightningModule) -> None:
    """Give all ranks the averaged buffers of rank 0; the parameters are the same everywhere."""
    if distributed.is_available() and distributed.is_initialized():
        for name, _ in task.model.named_buffers():  # type: ignore[union-attr]
            if name in average:
                distributed.broadcast(average[name], 0)
