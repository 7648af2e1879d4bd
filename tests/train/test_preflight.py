"""What no training can be run with is refused, and the refusal says what would fit."""

import copy
import functools
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from omegaconf import DictConfig

from segexp.config.values import plain_values
from segexp.train import preflight

TRAINER = {"devices": 2, "num_nodes": 1, "strategy": "ddp", "accelerator": "cpu", "sync_batchnorm": False}
JOB = {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "1", "SLURM_STEP_ID": "0"}
Compose = Callable[..., DictConfig]


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A job of SLURM with two tasks, meeting at an address that resolves."""
    for name, value in {**JOB, "SLURM_JOB_NAME": "train", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    return {**JOB, "MASTER_ADDR": "127.0.0.1"}


def test_what_fits_passes(job: dict[str, str]) -> None:
    preflight.check_ranks(TRAINER, job)
    torchrun = {"TORCHELASTIC_RUN_ID": "none", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    preflight.check_ranks(TRAINER, torchrun)


@pytest.mark.parametrize(
    ("trainer", "environ", "said"),
    [
        ({"devices": 1}, {}, "must be 1, 1, 1 for trainer.devices=1.*--ntasks-per-node=1"),
        ({"num_nodes": 2}, {}, "must be 4, 2, 2 .*--nodes=2"),
        ({}, {"SLURM_NTASKS_PER_NODE": None}, "are 2, None, 1"),
        ({}, {"SLURM_STEP_ID": None}, "srun python -m segexp.train"),
        ({}, {"MASTER_ADDR": "nowhere.invalid"}, "'nowhere.invalid', which cannot be resolved.*export MASTER_ADDR"),
    ],
)
def test_a_job_that_does_not_fit(job: dict[str, str], trainer, environ, said: str) -> None:
    there = {key: value for key, value in {**job, **environ}.items() if value is not None}
    with pytest.raises(ValueError, match=said):
        preflight.check_ranks({**TRAINER, **trainer}, there)


def test_torchrun_with_another_number_of_processes() -> None:
    environ = {"TORCHELASTIC_RUN_ID": "none", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "4"}
    with pytest.raises(ValueError, match="starts 4 processes on each of 1 nodes.*--nproc-per-node 2"):
        preflight.check_ranks(TRAINER, environ)


@pytest.mark.parametrize(
    ("trainer", "said"),
    [
        ({"strategy": "ddp_spawn"}, "use trainer.strategy=ddp"),
        ({"strategy": {"process_group_backend": "nccl"}}, "nccl, which needs a GPU"),
        ({"sync_batchnorm": True}, "leave it out on the CPU"),
    ],
)
def test_a_strategy_that_cannot_work(trainer, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        preflight.check_ranks({**TRAINER, **trainer}, {})


def test_a_key_that_was_deleted_is_named(compose_small: Compose) -> None:
    values = plain_values(compose_small())
    preflight.check_values(values)
    named = set()
    for key in keys_of(values):
        without = copy.deepcopy(values)
        *parents, last = key.split(".")
        del functools.reduce(dict.__getitem__, parents, without)[last]
        said = objection(without)
        assert said.startswith(f"the configuration has no {key}") or not said
        named |= {key} if said else set()
    targets = {f"callbacks.{name}._target_" for name in values["callbacks"]}
    assert named == {*preflight.NEEDED, "trainer", "data", *targets}


def objection(values: dict[str, Any]) -> str:
    """What is said against a configuration; empty if nothing is."""
    try:
        preflight.check_values(values)
        preflight.check_ranks(values["trainer"], {})
    except ValueError as error:
        return str(error)
    return ""


def keys_of(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from keys_of(value, f"{prefix}{key}.")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("data.train_split=null", "data.train_split is None; needed is the name of a split"),
        ("data.val_split=3", "data.val_split is 3; needed is the name of a split"),
        ("optimizer.lr=-1", "optimizer.lr is -1; needed is a number of at least 0"),
        ("optimizer.weight_decay=nan", "optimizer.weight_decay is nan; needed is a number of at least 0"),
        ("trainer.check_val_every_n_epoch=0", "trainer.check_val_every_n_epoch is 0; needed is a whole number"),
        ("+trainer.overfit_batches=1", "trainer.overfit_batches reads the training split without its sampler"),
        ("callbacks.early_stopping=null", "type '~callbacks.early_stopping' to train without"),
        (
            "+callbacks.early.patience=3",
            "no callbacks.early._target_; callbacks are: best, last",
        ),
        ("trainer.limit_val_batches=0", "nothing is validated, and val/miou is awaited by callbacks: best, early_st"),
    ],
)
def test_a_value_that_no_training_can_have(compose_small: Compose, typed: str, said: str) -> None:
    assert said in objection(plain_values(compose_small(typed)))


def test_without_validation_a_training_needs_no_more_than_what_the_refusal_says(compose_small: Compose) -> None:
    without = "trainer.limit_val_batches=0.0"
    said = objection(plain_values(compose_small(without)))
    cure = [word for word in shlex.split(said) if word.startswith("~")]
    assert cure
    assert objection(plain_values(compose_small(without, *cure))) == ""
