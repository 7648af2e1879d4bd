"""What a training may be told; refused before anything heavy is loaded."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from segexp.config.schema import Allowed, Count, NotNegative, Settings, Text
from segexp.data.settings import Reading

TO_AN_END = ("segexp.scheduler.poly", "segexp.scheduler.cosine")
"""Schedules that need to know how many steps a training has."""
Epochs = Annotated[Literal[-1] | Annotated[int, Field(ge=1)], Allowed("a whole number of at least 1, or -1: no end")]
Seed = Annotated[int, Field(ge=0, lt=2**32), Allowed("a whole number from 0 to 2^32 - 1")]


class Part(Settings):
    """A node that builds something; what else it takes, the thing itself knows."""

    model_config = ConfigDict(extra="allow")

    target: str | None = Field(None, alias="_target_")

    @property
    def others(self) -> dict[str, Any]:
        """Its other keys."""
        return self.model_extra or {}


class DataSettings(Reading):
    """Beside how it is read: what data set, and the keys that this one has."""

    model_config = ConfigDict(extra="allow")


class OptimizerSettings(Part):
    """lr, weight_decay, momentum, eps: where the optimizer has them; torch's own refusal names no key."""

    lr: NotNegative = 0
    weight_decay: NotNegative = 0
    momentum: NotNegative = 0
    eps: NotNegative = 0


class TrainerSettings(Part):
    """Of Lightning's Trainer: what this repository counts on. All other arguments go to it as they are."""

    accelerator: Any
    devices: Any
    num_nodes: Any
    strategy: Any
    max_epochs: Epochs
    max_steps: int = -1
    accumulate_grad_batches: Count
    log_every_n_steps: Count
    check_val_every_n_epoch: Count | None = None
    limit_val_batches: Any = None
    overfit_batches: Any = 0

    @model_validator(mode="after")
    def _reads_by_its_own_sampler(self) -> Self:
        if self.overfit_batches:
            raise ValueError(
                "trainer.overfit_batches reads the training split without its sampler, which every sample's "
                "augmentation depends on; leave it out, and train on a few scenes instead: data=streets "
                "data.num_train=4, or a data.train_split that holds few"
            )
        return self


class TrainSettings(Settings):
    """Everything in conf/train.yaml and the options that it chooses."""

    classes: Part
    data: DataSettings
    augmentation: Part
    model: Part
    loss: Part
    optimizer: OptimizerSettings
    scheduler: Part
    trainer: TrainerSettings
    callbacks: dict[str, Part | None]
    logger: Part | None
    seed: Seed
    resume: Text | None
    on_existing: Literal["refuse", "resume"]
    channels_last: bool
    compile: bool
    matmul_precision: Literal["highest", "high", "medium"]

    @model_validator(mode="after")
    def _schedule_has_an_end(self) -> Self:
        name = scheduled_end(self.scheduler.target)
        if name and self.trainer.max_epochs == -1 and self.trainer.max_steps == -1:
            raise ValueError(
                f"trainer.max_epochs is -1, a training without an end, and scheduler={name} lowers the learning rate "
                "towards its end; set trainer.max_epochs or +trainer.max_steps, or take scheduler=constant or "
                "inverse_time"
            )
        return self

    @model_validator(mode="after")
    def _callbacks_are_built(self) -> Self:
        for name, callback in self.callbacks.items():
            if callback is None or callback.target is None:
                raise ValueError(
                    f"the configuration has no callbacks.{name}._target_; callbacks are: {', '.join(self.callbacks)}; "
                    f"type '~callbacks.{name}' to train without this one, or correct its name"
                )
        return self

    @model_validator(mode="after")
    def _monitored_scores_are_measured(self) -> Self:
        monitored = {name: str(((each and each.others) or {}).get("monitor")) for name, each in self.callbacks.items()}
        waiting = [name for name, score in monitored.items() if score.startswith("val/")]
        if waiting and self.trainer.limit_val_batches == 0:
            without = " ".join(f"'~callbacks.{name}'" for name in waiting)
            raise ValueError(
                f"trainer.limit_val_batches is 0: nothing is validated, and {monitored[waiting[0]]} is awaited by "
                f"callbacks: {', '.join(waiting)}; leave it out, or type {without} as well"
            )
        return self


def scheduled_end(target: str | None) -> str | None:
    """The name of a schedule that lowers the learning rate towards the training's end; None if it is another one.

    target: of the scheduler, see conf/scheduler.
    """
    return target.rpartition(".")[2] if target in TO_AN_END else None
