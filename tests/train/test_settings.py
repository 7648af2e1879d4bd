"""What no training can be run with is refused, and the refusal says what would do."""

import copy
import functools
import re
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from segexp.data.settings import READING_KEYS
from segexp.train.settings import TrainSettings
from segexp.types import Values

Compose = Callable[..., Values]
READING = {f"data.{key}" for key in READING_KEYS}
TRAINER = {
    f"trainer.{key}"
    for key in (
        "accelerator",
        "devices",
        "num_nodes",
        "strategy",
        "max_epochs",
        "accumulate_grad_batches",
        "log_every_n_steps",
    )
}


def test_a_key_that_was_deleted_is_named(compose_small: Compose) -> None:
    values = compose_small()
    TrainSettings.of(values)
    named = set()
    for key in keys_of(values):
        without = copy.deepcopy(values)
        *parents, last = key.split(".")
        del functools.reduce(dict.__getitem__, parents, without)[last]
        said = objection(without)
        assert re.match(f"the configuration has no {re.escape(key)}\\b", said) or not said
        named |= {key} if said else set()
    targets = {f"{group}.{name}._target_" for group in ("callbacks", "logger") for name in values[group]}
    assert named == {*TrainSettings.model_fields, *TRAINER, *READING, *targets}


def objection(values: dict[str, Any]) -> str:
    """What is said against a configuration; empty if nothing is."""
    try:
        TrainSettings.of(values)
    except ValueError as error:
        return str(error)
    return ""


def keys_of(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from keys_of(value, f"{prefix}{key}.")


@pytest.mark.parametrize(
    ("typed", "facts"),
    [
        ("data.train_split=null", ("data.train_split is null", "name of a split")),
        ("data.val_split=3", ("data.val_split is 3", "name of a split")),
        ("data.cache=ram", ("data.cache is 'ram'", "off, memory, disk")),
        ("data.cache_size=[64,64]", ("data.cache_size is [64, 64]", "data.image_size is null", "set both to the same")),
        ("optimizer.lr=-1", ("optimizer.lr is -1", "at least 0")),
        ("loss.auxiliary_weight=-1", ("loss.auxiliary_weight is -1", "null, or a number of at least 0")),
        ("loss.boundary_weight=-1", ("loss.boundary_weight is -1", "null, or a number of at least 0")),
        ("optimizer.weight_decay=nan", ("optimizer.weight_decay is nan", "at least 0")),
        ("trainer.check_val_every_n_epoch=0", ("trainer.check_val_every_n_epoch is 0", "at least 1")),
        ("trainer.max_steps=0", ("trainer.max_steps is 0", "at least 1, or -1")),
        ("trainer.val_check_interval=1.5", ("trainer.val_check_interval is 1.5", "at most 1")),
        ("+trainer.overfit_batches=1", ("trainer.overfit_batches", "data.num_train=4")),
        ("callbacks.panels=null", ("callbacks.panels._target_", "'~callbacks.panels'")),
        ("+callbacks.early.patience=3", ("callbacks.early._target_", "best, last")),
        ("+logger.tensorbord.folder=x", ("logger.tensorbord._target_", "'~logger.tensorbord'")),
        ("+logger._target_=mine.Logger", ("logger._target_ is 'mine.Logger'", "`mine: {_target_: ...}`")),
        ("trainer.limit_val_batches=0", ("trainer.limit_val_batches is 0", "callbacks need val/miou: best")),
        ("scheduler=plateau trainer.limit_val_batches=0", ("limit_val_batches is 0", "scheduler.monitor=val/miou")),
        ("+whatever=3", ("no key 'whatever'", "seed")),
    ],
)
def test_a_value_that_no_training_can_have(compose_small: Compose, typed: str, facts: tuple[str, ...]) -> None:
    said = objection(compose_small(*typed.split()))
    assert [fact for fact in facts if fact not in said] == [], said


def test_without_validation_a_training_needs_no_more_than_what_the_refusal_says(compose_small: Compose) -> None:
    without = "trainer.limit_val_batches=0.0"
    said = objection(compose_small(without))
    cure = [word for word in shlex.split(said) if word.startswith("~")]
    assert cure
    assert objection(compose_small(without, *cure)) == ""
