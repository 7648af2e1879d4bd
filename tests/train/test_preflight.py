"""A training that does not fit what started it is refused, and the refusal says what would fit."""

import pytest

from segexp.train import preflight

TRAINER = {"devices": 2, "num_nodes": 1, "strategy": "ddp", "accelerator": "cpu", "sync_batchnorm": False}
JOB = {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "1", "SLURM_STEP_ID": "0"}


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
