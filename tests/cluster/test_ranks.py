"""Ranks that SLURM starts share a batch and end with the weights of one rank that has all of it."""

import shlex
import sys
from pathlib import Path

import pytest
import torch

from tests.cluster.jobs import folder, submit
from tests.e2e.command import ROOT, last, train

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize(("nodes", "ranks"), [(2, 1), (1, 2)])
def test_several_ranks_train_the_weights_of_one_with_the_same_batch(
    command, small, tmp_path: Path, nodes: int, ranks: int
) -> None:
    model = [each for each in small("model=plain", "trainer.max_epochs=2") if not each.startswith("model.")]
    one = folder(tmp_path / "one")
    assert train(one, model) == 0
    share = ["trainer.strategy=ddp", "data.batch_size=1", f"trainer.num_nodes={nodes}", f"trainer.devices={ranks}"]
    size = (f"--nodes={nodes}", f"--ntasks-per-node={ranks}")
    job = submit(command, folder(tmp_path / "many"), [*model, *share], *size)
    assert job.wait_for_end() == "COMPLETED", job.log()
    torch.testing.assert_close(last(job.run), last(one), rtol=1e-4, atol=1e-6)
    assert job.log().count("epoch 2/2") == 1  # only rank 0 says how it went


@pytest.mark.parametrize(
    ("options", "overrides", "fact"),
    [
        (["--nodes=1", "--ntasks-per-node=2"], [], "SLURM_NTASKS, SLURM_NTASKS_PER_NODE and SLURM_NNODES are 2, 2, 1"),
        (["--nodes=1", "--ntasks-per-node=1"], ["trainer.num_nodes=2"], "submit with --nodes=2"),
        (
            ["--nodes=1", "--ntasks-per-node=2", "--export=ALL,MASTER_ADDR=nowhere.invalid"],
            ["trainer.devices=2"],
            "the ranks are to meet at 'nowhere.invalid'",
        ),
    ],
)
def test_a_job_that_does_not_fit_its_trainer_ends_with_one_error(
    command, small, tmp_path: Path, options, overrides, fact: str
) -> None:
    job = submit(command, folder(tmp_path / "run"), small("trainer.strategy=ddp", *overrides), *options)
    assert job.wait_for_end() == "FAILED"
    assert fact in job.log()
    assert "Traceback" not in job.log()


def test_a_run_folder_that_the_nodes_do_not_share_is_one_error(command, small, tmp_path: Path) -> None:
    overrides = small("trainer.strategy=ddp", "trainer.num_nodes=2", "callbacks.shared_folder.timeout_seconds=1")
    training = shlex.join([sys.executable, "-m", "segexp.train", *overrides, "hydra.run.dir=run"])
    each = f"mkdir -p {tmp_path}/$SLURM_NODEID && cd {tmp_path}/$SLURM_NODEID && exec {training}"
    log = tmp_path / "log"
    options = ("--nodes=2", "--ntasks-per-node=1", "--wait", f"--output={log}", f"--export=ALL,PYTHONPATH={ROOT}")
    answer = command("sbatch", *options, "--wrap", shlex.join(["srun", "bash", "-c", each]))
    assert answer.returncode == 1
    assert f"the run folder {tmp_path}/0/run is not shared" in log.read_text()
    assert "Traceback" not in log.read_text()
