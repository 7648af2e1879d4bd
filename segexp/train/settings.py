"""The settings of a training as types, checked before anything heavy is loaded.

They are only checked here: the plain values travel on, since parts are built from them.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from segexp.config.facts import asks_for
from segexp.config.schema import Allowed, Count, Folder, NotNegative, Settings, Text, WithoutEffect, shown
from segexp.data.settings import ReadingSettings
from segexp.system.trainer_precision import with_one_precision
from segexp.types import MemoryFormat, Precision

Epochs = Annotated[Literal[-1] | Annotated[int, Field(ge=1)], Allowed("a whole number of at least 1, or -1: no end")]
Steps = Annotated[Literal[-1] | Annotated[int, Field(ge=1)], Allowed("a whole number of at least 1, or -1: no limit")]
Interval = Annotated[
    Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, le=1)] | str | None,
    Allowed("null: after epochs, a whole number of optimizer steps, or a fraction of an epoch, above 0 and at most 1"),
]
Warmup = Annotated[
    Annotated[int, Field(ge=0)] | Annotated[float, Field(gt=0, lt=1)],
    Allowed("a number of optimizer steps, or a fraction of all, between 0 and 1"),
]
Seed = Annotated[int, Field(ge=0, lt=2**32), Allowed("a whole number from 0 to 2^32 - 1")]


def schedule_with_end(values: Mapping[str, Any]) -> str | None:
    """The schedule or warm-up that depends on how many steps the training has, as it was typed; None if there is none.

    values: the whole configuration. A schedule says so by asking for the number of steps, see `segexp.config.facts`,
    and a loss, or a part of one, by `unit: training`.
    """
    if asks_for(values["scheduler"], "total_steps"):
        return f"scheduler={str(values['scheduler'].get('_target_')).rpartition('.')[2]}"
    if isinstance(values.get("warmup"), float):
        return f"warmup={values['warmup']}"
    return "loss.unit=training" if _counts_in_trainings(values.get("loss")) else None


def _counts_in_trainings(node: Any) -> bool:
    if isinstance(node, Mapping):
        return node.get("unit") == "training" or any(map(_counts_in_trainings, node.values()))
    return isinstance(node, list) and any(map(_counts_in_trainings, node))


class Part(Settings):
    """A node that builds an object; the object itself refuses arguments that it does not take."""

    model_config = ConfigDict(extra="allow")

    target: str | None = Field(None, alias="_target_")

    @property
    def others(self) -> dict[str, Any]:
        """Its other keys."""
        return self.model_extra or {}


NamedParts = dict[str, Part | None]
"""Parts of one kind that stand beside each other, by name."""


class DataSettings(ReadingSettings):
    """How the data set is read, which data set it is, and the keys that this data set has.

    root: where its files are, for data sets that have this key; which files they are, the fingerprint tells.
    """

    model_config = ConfigDict(extra="allow")

    root: Annotated[Any, WithoutEffect()] = None


class OptimizerSettings(Part):
    """The usual keys of optimizers, none of which every optimizer has; torch's own refusal names no key."""

    lr: NotNegative = 0
    weight_decay: NotNegative = 0
    momentum: NotNegative = 0
    eps: NotNegative = 0
    fused: Annotated[Any, WithoutEffect()] = None


class LossSettings(Part):
    """The keys that every loss has; runs of earlier versions have none."""

    auxiliary_weight: NotNegative | None = None
    boundary_weight: NotNegative | None = None


class TrainerSettings(Part):
    """The arguments of Lightning's Trainer that this repository relies on; it takes all others as they are.

    A field of any type must be there. A field with a value is Lightning's default, and need not be.
    """

    accelerator: Any
    devices: Any
    num_nodes: Any
    strategy: Any
    max_epochs: Epochs
    max_steps: Steps = -1
    val_check_interval: Interval = None
    accumulate_grad_batches: Count
    precision: Any = None
    log_every_n_steps: Count
    check_val_every_n_epoch: Count | None = None
    limit_val_batches: Any = None
    overfit_batches: Any = 0
    enable_progress_bar: Annotated[Any, WithoutEffect()] = True

    @model_validator(mode="after")
    def _refuse_overfit_batches(self) -> Self:
        if self.overfit_batches:
            raise ValueError(
                "trainer.overfit_batches reads the training split without its sampler, which every sample's "
                "augmentation depends on; leave it out, and train on a few scenes instead: data=streets "
                "data.num_train=4, or a data.train_split that holds few"
            )
        return self


class TrainSettings(Settings):
    """The whole configuration: conf/train.yaml with one option of each group."""

    classes: Part
    data: DataSettings
    augmentation: Part
    model: Part
    loss: LossSettings
    task: Part
    optimizer: OptimizerSettings
    scheduler: Part
    trainer: TrainerSettings
    callbacks: NamedParts
    logger: Annotated[NamedParts, WithoutEffect()]
    seed: Seed
    resume: Annotated[Text | None, WithoutEffect()]
    start_from: Folder | None
    start_checkpoint: Text
    on_existing: Annotated[Literal["refuse", "resume"], WithoutEffect()]
    precision: Literal["auto", Precision]
    memory_format: Annotated[Literal["auto", MemoryFormat], WithoutEffect()]
    compile: bool
    warmup: Warmup
    quiet: Annotated[bool, WithoutEffect()]
    matmul_precision: Literal["highest", "high", "medium"]

    @model_validator(mode="after")
    def _refuse_schedule_without_end(self) -> Self:
        scheduler, loss = (part.model_dump(by_alias=True) for part in (self.scheduler, self.loss))
        schedule = schedule_with_end({"scheduler": scheduler, "warmup": self.warmup, "loss": loss})
        if schedule and self.trainer.max_epochs == -1 and self.trainer.max_steps == -1:
            raise ValueError(
                f"trainer.max_epochs is -1, a training without an end, and {schedule} depends on its end; set "
                "trainer.max_epochs or trainer.max_steps, or take a schedule without an end (constant, inverse_time), "
                "a warmup in steps and loss.unit=epochs"
            )
        return self

    @model_validator(mode="after")
    def _refuse_two_precisions(self) -> Self:
        with_one_precision({"precision": self.precision, "trainer": {"precision": self.trainer.precision}})
        return self

    @field_validator("callbacks", "logger", mode="before")
    @classmethod
    def _refuse_part_without_name(cls, parts: Any, info: ValidationInfo) -> Any:
        group = info.field_name
        if isinstance(parts, Mapping) and "_target_" in parts:
            raise ValueError(
                f"{group}._target_ is {shown(parts['_target_'])}; every option of {group} gives its part a name, under "
                f"which others can stand beside it: write {group}/mine.yaml as `mine: {{_target_: ...}}`"
            )
        return parts

    @field_validator("callbacks", "logger")
    @classmethod
    def _refuse_part_without_target(cls, parts: NamedParts, info: ValidationInfo) -> NamedParts:
        for name, part in parts.items():
            if part is None or part.target is None:
                group = info.field_name
                others = ", ".join(parts)
                raise ValueError(
                    f"the configuration has no {group}.{name}._target_; {group} has: {others}; "
                    f"type '~{group}.{name}' to train without this one, or correct its name"
                )
        return parts

    @model_validator(mode="after")
    def _refuse_monitor_without_validation(self) -> Self:
        if self.trainer.limit_val_batches == 0 and str(self.scheduler.others.get("monitor")).startswith("val/"):
            raise ValueError(
                "trainer.limit_val_batches is 0: nothing is validated, and the schedule waits for scheduler.monitor="
                f"{self.scheduler.others['monitor']}; leave it out, or take another scheduler="
            )
        monitored = {name: str(((each and each.others) or {}).get("monitor")) for name, each in self.callbacks.items()}
        waiting = [name for name, score in monitored.items() if score.startswith("val/")]
        if waiting and self.trainer.limit_val_batches == 0:
            without = " ".join(f"'~callbacks.{name}'" for name in waiting)
            raise ValueError(
                f"trainer.limit_val_batches is 0: nothing is validated, and these callbacks need "
                f"{monitored[waiting[0]]}: {', '.join(waiting)}; leave it out, or type {without} as well"
            )
        return self
