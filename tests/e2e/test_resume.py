"""A run that was stopped at any step ends with the weights and the scores that it would have had."""

import os
import random
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from segexp.run.folder import RunFolder
from tests.e2e.command import PYTHON, ROOT, TORCHRUN, assert_same, environment, last, scores, train
from tests.options import config_dir
from tests.training import resume, start
from tests.warm_process import run_module

MOMENTUM = ["loss=lovasz", "loss.momentum=0.9"]
LONG = ["trainer.max_epochs=3", "augmentation=note", "model.total_dropout=0.2", *MOMENTUM]
TWO_RANKS = ["trainer=ddp", "trainer.accelerator=cpu", "data.batch_size=1"]
AVERAGED = ["callbacks=[default,ema]"]
PATIENCE = 300
"""Seconds that a test waits for what must happen, on a machine that does other things, too."""


@pytest.fixture
def overrides(small: Callable[..., list[str]]) -> list[str]:
    return small(*LONG, "callbacks.last.every_n_train_steps=2")


@pytest.mark.slow
def test_killed_in_the_middle_of_an_epoch(overrides: list[str], tmp_path: Path) -> None:
    whole, parts = (RunFolder(tmp_path / name) for name in ("whole", "parts"))
    assert train(whole, overrides) == 0
    assert train(parts, overrides, by_signal="SIGKILL 5") == -signal.SIGKILL
    assert parts.state() == "running"
    assert train(parts, overrides) == 0
    assert_same(parts, whole)
    assert train(parts, overrides) == 0  # finished: nothing is trained again
    assert_same(parts, whole)


@pytest.mark.slow
def test_killed_while_the_loss_changes(small, tmp_path: Path) -> None:
    whole, parts = (RunFolder(tmp_path / name) for name in ("whole", "parts"))
    changing = small("loss=cross_entropy_to_iou", "loss.width=0.2", "trainer.max_epochs=3")
    overrides = [*changing, "callbacks.last.every_n_train_steps=2"]
    assert train(whole, overrides) == 0
    assert train(parts, overrides, by_signal="SIGKILL 5") == -signal.SIGKILL
    assert train(parts, overrides) == 0
    assert_same(parts, whole)


@pytest.mark.slow
def test_a_run_that_is_shortened_keeps_the_change_of_its_loss(small, tmp_path: Path) -> None:
    whole, short = (RunFolder(tmp_path / name) for name in ("whole", "short"))
    overrides = small("loss=cross_entropy_to_iou", "loss.width=0.2", "trainer.max_epochs=4")
    assert train(whole, overrides) == 0
    assert train(short, overrides, by_signal="SIGTERM 4") == 143
    resume(short.path, ["trainer.max_epochs=2"])
    losses = [[row["val/loss"] for row in run.history() if "val/loss" in row] for run in (short, whole)]
    assert losses[0] == losses[1][:2]


@pytest.mark.slow
def test_killed_between_two_epochs(overrides: list[str], tmp_path: Path) -> None:
    """Its checkpoint is from before the scores that it had written."""
    whole, parts = (RunFolder(tmp_path / name) for name in ("whole", "parts"))
    assert train(whole, overrides) == 0
    assert train(parts, overrides, by_signal="SIGKILL scores 1") == -signal.SIGKILL
    assert train(parts, overrides) == 0
    assert_same(parts, whole)


@pytest.mark.parametrize("name", ["SIGTERM", pytest.param("SIGUSR1", marks=pytest.mark.slow)])
def test_a_signal_saves_the_step_it_finds(overrides: list[str], tmp_path: Path, name: str) -> None:
    run = RunFolder(tmp_path)
    typed = [*overrides, "callbacks.last.every_n_train_steps=null", f"hydra.run.dir={run.path}"]
    assert run_module("tests.e2e.killed", *typed, environment=environment(SIGNAL=f"{name} 5")).returncode == 143
    assert run.state() == "preempted"
    assert torch.load(run.checkpoint("last"), weights_only=True)["global_step"] == 5


@pytest.mark.slow
def test_a_signal_to_every_process_saves_too(small, tmp_path: Path) -> None:
    """As SLURM sends it: to those that read data as well."""
    overrides = small("trainer.max_epochs=1000", "data.num_workers=1")
    run = RunFolder(tmp_path / "run")
    command = [*PYTHON, "segexp.train", *overrides, f"hydra.run.dir={run.path}"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), start_new_session=True)
    while process.poll() is None and not run.history():
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(PATIENCE) == 143
    assert run.state() == "preempted"
    assert run.checkpoint("last").is_file()


@pytest.mark.slow
def test_a_late_signal_ends_a_training_that_waits_for_a_rank_for_ever(small, tmp_path: Path) -> None:
    overrides = small(*TWO_RANKS, "callbacks.stop.patience_seconds=3", "callbacks.last.every_n_train_steps=1")
    run = RunFolder(tmp_path / "run")
    command = [*PYTHON, "tests.e2e.killed", *overrides, f"hydra.run.dir={run.path}"]
    session = environment(SIGNAL="SIGSTOP 2 1")  # rank 1 stops, as one that hangs does
    process = subprocess.Popen(command, cwd=ROOT, env=session, start_new_session=True)
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and not run.history():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(6)  # more than the patience
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    status = run.status()
    assert status["state"] == "preempted"
    assert "without saving" in status["reason"]
    assert "work.wait()" in status["traceback"]
    while _is_anybody_left(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert train(run, overrides) == 0
    assert run.state() == "finished"


def _is_anybody_left(session: int) -> bool:
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("further", "starter"),
    [
        (["data.num_workers=0"], PYTHON),
        (["data.num_workers=2"], PYTHON),
        (["data.num_workers=0", *TWO_RANKS], PYTHON),
        (["data.num_workers=2", *TWO_RANKS], PYTHON),
        (["data.num_workers=0", *TWO_RANKS], TORCHRUN),
        (["data.num_workers=0", "trainer.accumulate_grad_batches=2"], PYTHON),
        (["data.num_workers=0", "trainer.val_check_interval=2"], PYTHON),
        (["data.num_workers=0", "trainer.check_val_every_n_epoch=2"], PYTHON),
        (["data.num_workers=0", *AVERAGED, "trainer.accumulate_grad_batches=2"], PYTHON),
        (["data.num_workers=0", *AVERAGED, "trainer.val_check_interval=2"], PYTHON),
        (["data.num_workers=0", *AVERAGED, *TWO_RANKS], PYTHON),
    ],
    ids=lambda value: "-".join(value).replace("data.", "") if isinstance(value, list) else Path(value[-2]).name,
)
def test_killed_at_random_steps(overrides: list[str], tmp_path: Path, further: list[str], starter) -> None:
    whole = RunFolder(tmp_path / "whole")
    assert train(whole, [*overrides, *further], starter) == 0
    generator = random.Random(" ".join(further))
    parts = RunFolder(tmp_path / "parts")
    num_stops = 0
    for name in ("SIGTERM", "SIGKILL"):
        step = generator.randrange(1, 4)
        print(f"{name} at step {step} of this part")
        status = train(parts, [*overrides, *further], starter, f"{name} {step}")
        if parts.state() == "finished":  # the step lay behind the last one
            break
        assert status in (143, -signal.SIGKILL, 1)
        assert parts.state() in ("running", "preempted")
        num_stops += 1
    assert num_stops
    assert train(parts, [*overrides, *further], starter) == 0
    assert_same(parts, whole)


@pytest.mark.slow
@pytest.mark.parametrize("further", [[], AVERAGED], ids=["weights", "averaged"])
def test_killed_at_random_times(overrides: list[str], tmp_path: Path, further: list[str]) -> None:
    """In validation, while a checkpoint is written, at the start: wherever the clock finds it."""
    overrides = [*overrides, *further]
    whole, parts = (RunFolder(tmp_path / name) for name in ("whole", "parts"))
    assert train(whole, overrides) == 0
    generator = random.Random(0)
    command = [*PYTHON, "segexp.train", *overrides, "on_existing=resume", f"hydra.run.dir={parts.path}"]
    for _ in range(5):
        process = subprocess.Popen(command, cwd=ROOT, env=environment())
        while process.poll() is None and not _has_begun(parts, process.pid):
            time.sleep(0.01)
        time.sleep(generator.uniform(0, 0.6))
        process.send_signal(generator.choice([signal.SIGKILL, signal.SIGTERM]))
        process.wait(PATIENCE)
    assert train(parts, overrides) == 0
    assert_same(parts, whole)


def _has_begun(run: RunFolder, pid: int) -> bool:
    try:
        return run.status().get("process") == pid
    except ValueError:  # it is just being replaced
        return False


@pytest.mark.slow
@pytest.mark.parametrize("starter", [PYTHON, TORCHRUN], ids=["lightning", "torchrun"])
def test_two_ranks_are_one_with_the_same_batch(small, tmp_path: Path, starter) -> None:
    typed = small("model=plain", "optimizer=sgd", "trainer.max_epochs=2")  # Adam makes steps of what is mere rounding
    model = [each for each in typed if not each.startswith("model.")]
    one, two = (RunFolder(tmp_path / name) for name in ("one", "two"))
    assert train(one, model) == 0
    assert train(two, [*model, *TWO_RANKS], starter) == 0
    found, wanted = last(two), last(one)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "further", [[], ["trainer.max_steps=5", "trainer.max_epochs=-1", "trainer.val_check_interval=2"]]
)
def test_ranks_without_a_validation_image_count_none(small, tmp_path: Path, further: list[str]) -> None:
    overrides = [
        each
        for each in small("model=plain", "optimizer=sgd", "data.num_val=1", *further)
        if not each.startswith("model.")
    ]
    one, two = (RunFolder(tmp_path / name) for name in ("one", "two"))
    assert train(one, overrides) == 0
    assert train(two, [*overrides, *TWO_RANKS]) == 0
    assert [row["step"] for row in scores(two)] == [row["step"] for row in scores(one)]
    validated = [[row["val/loss"] for row in scores(run) if "val/loss" in row] for run in (one, two)]
    assert validated[1] == pytest.approx(validated[0], rel=1e-4)


def test_a_torn_checkpoint_is_left_for_the_one_before(compose_small, tmp_path: Path, caplog) -> None:
    start(compose_small("trainer.max_epochs=3"), tmp_path / "whole")
    start(compose_small("trainer.max_epochs=2"), tmp_path / "parts")
    whole, parts = (RunFolder.open(tmp_path / name) for name in ("whole", "parts"))
    torn = parts.checkpoint("last")
    torn.write_bytes(torn.read_bytes()[:5000])
    resume(parts.path, ["trainer.max_epochs=3"])
    assert "last.ckpt is damaged" in caplog.text
    assert_same(parts, whole)


@pytest.mark.slow
def test_a_resuming_command_warns_of_a_torn_checkpoint_and_of_nothing_else(trained: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    command = [*PYTHON, "segexp.train", f"resume={run.path}"]
    for num_epochs, said in ((3, []), (4, ["last.ckpt is damaged"])):
        if said:
            run.checkpoint("last").write_bytes(run.checkpoint("last").read_bytes()[:5000])
        typed = [*command, f"trainer.max_epochs={num_epochs}"]
        answer = subprocess.run(typed, cwd=ROOT, env=environment(), capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        lines = answer.stderr.splitlines()
        assert len(lines) == len(said), answer.stderr
        assert all(part in line for part, line in zip(said, lines, strict=True))


def test_another_configuration_is_not_resumed(compose_small, tmp_path: Path) -> None:
    start(compose_small(), tmp_path)
    with pytest.raises(ValueError, match="another configuration: optimizer.lr was 0.001 and is 0.5"):
        start(compose_small("optimizer.lr=0.5", "on_existing=resume"), tmp_path)


def test_a_part_that_was_typed_is_built_again_by_the_same_command_only(compose_small, tmp_path: Path) -> None:
    gray = "+augmentation.transforms.gray={_target_: torchvision.transforms.v2.RandomInvert, p: 0.1}"
    start(compose_small("trainer.max_epochs=2", gray), tmp_path)
    run = RunFolder(tmp_path)
    run.checkpoint("last").unlink()  # as if it was killed in its second epoch
    run.write_status("preempted")
    with pytest.raises(ValueError, match=rf"RandomInvert'\], .*type .* hydra.run.dir={tmp_path} on_existing=resume"):
        resume(tmp_path, [])
    start(compose_small("trainer.max_epochs=2", gray, "on_existing=resume"), tmp_path)
    assert run.state() == "finished"
    assert run.environment["resumes"] == [[]]


def test_a_finished_run_is_left_alone(compose_small, tmp_path: Path, capsys) -> None:
    start(compose_small(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    start(compose_small("on_existing=resume"), tmp_path)
    assert "is finished: nothing is left to train" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_training_ends_with_a_command_that_names_data_on_object_storage(
    trained: RunFolder, tmp_path: Path, capsys
) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "run")))
    there = {**run.config["data"], "root": "s3://bucket/streets"}
    run.write_config({**run.config, "data": there})
    assert _told_to_type(run, capsys) == f"python -m segexp.evaluate run={run.path} data.root=s3://bucket/streets"


def test_a_training_ends_with_a_command_that_can_be_typed(trained: RunFolder, tmp_path: Path, capsys) -> None:
    run = RunFolder(Path(shutil.copytree(trained.path, tmp_path / "a, b")))
    options = tmp_path / "my conf"
    options.mkdir()
    with config_dir(options):
        words = shlex.split(_told_to_type(run, capsys))
    assert words == ["python", "-m", "segexp.evaluate", f"run='{run.path}'", "--config-dir", str(options)]


def _told_to_type(run: RunFolder, capsys) -> str:
    run.write_status("preempted")  # after its last step
    start({**run.config, "on_existing": "resume"}, run.path)
    return capsys.readouterr().out.splitlines()[-1].removeprefix("next        ")


def test_a_run_without_a_checkpoint_starts_anew(compose_small, tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError):
        start(compose_small("optimizer=sgd", "optimizer.lr=1e30"), tmp_path)
    with pytest.raises(FloatingPointError):
        start(compose_small("optimizer=sgd", "optimizer.lr=1e30", "on_existing=resume"), tmp_path)
    steps = [row["step"] for row in RunFolder(tmp_path).history()]
    assert steps == sorted(set(steps))
