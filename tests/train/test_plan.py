"""What a command means for the run that is in its folder, and that a refusal costs neither seconds nor files."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from segexp.system.files import write_atomic
from segexp.train.plan import Conclude, GoOn, Nothing, Request, Start, plan
from segexp.types import Values
from tests.e2e.test_commands import segexp
from tests.training import start

Compose = Callable[..., Values]


class Killed(BaseException):
    """In place of SIGKILL: from then on nothing is written."""


def planned(folder: Path, values: Values, *overrides: str) -> object:
    return plan(RunFolder(folder), Request(values, {}, list(overrides)))


@pytest.fixture(scope="module")
def finished(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run whose status a test may change."""
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path_factory.mktemp("finished") / "run")))


@pytest.fixture
def interrupted(finished: RunFolder) -> RunFolder:
    """A run that a signal ended after its last step."""
    finished.write_status("preempted")
    return finished


def test_an_empty_folder_starts_a_run(compose_small: Compose, tmp_path: Path) -> None:
    values = compose_small()
    assert planned(tmp_path, values) == Start(Request(values, {}, []), weights=None)
    assert list(tmp_path.iterdir()) == []


def test_a_repeated_command_leaves_a_finished_run_alone(trained: RunFolder) -> None:
    assert planned(trained.path, {**trained.config, "on_existing": "resume"}) == Nothing()


def test_a_run_that_was_interrupted_after_its_last_step_is_concluded(interrupted: RunFolder) -> None:
    assert planned(interrupted.path, {**interrupted.config, "on_existing": "resume"}) == Conclude()
    assert planned(interrupted.path, {"resume": str(interrupted.path)}, f"resume={interrupted.path}") == Conclude()


def test_a_run_that_was_interrupted_after_its_last_step_can_be_prolonged(interrupted: RunFolder) -> None:
    decision = planned(interrupted.path, {"resume": str(interrupted.path)}, "trainer.max_epochs=3")
    assert isinstance(decision, GoOn)
    assert decision.values["trainer"]["max_epochs"] == 3


@pytest.mark.parametrize("state", ["running", "failed"])
def test_a_prolonged_run_that_died_at_once_goes_on(interrupted: RunFolder, state: str) -> None:
    """Its last checkpoint is still that of the old end; further ranks, which Lightning starts, see it as running."""
    stored = interrupted.config
    longer = {**stored, "trainer": {**stored["trainer"], "max_epochs": 3}}
    interrupted.write_config(longer)
    interrupted.write_status(state)
    resumed = planned(interrupted.path, {"resume": str(interrupted.path)}, "trainer.max_epochs=3")
    repeated = planned(interrupted.path, {**longer, "on_existing": "resume"})
    assert isinstance(resumed, GoOn)
    assert isinstance(repeated, GoOn)
    interrupted.write_config(stored)


def test_a_repeated_command_goes_on_with_the_early_stopping_that_was_a_default_once(
    compose_small: Compose, tmp_path: Path
) -> None:
    earlier, today = compose_small("callbacks=[default,early_stopping]"), compose_small("on_existing=resume")
    run = RunFolder(tmp_path)
    run.write_config(earlier)
    run.write_environment({"choices": {"callbacks": "default"}})
    assert plan(run, Request(today, {"callbacks": "default"}, [])) == Start(
        Request(today, {"callbacks": "default"}, []), weights=None
    )
    run.write_environment({"choices": {"callbacks": "[default,early_stopping]"}})
    with pytest.raises(ValueError, match=r"callbacks.early_stopping.patience was 6 and is 'absent'"):
        plan(run, Request(today, {"callbacks": "default"}, []))


@pytest.mark.parametrize("num_files", range(4))
def test_a_run_that_was_killed_while_its_start_was_recorded_starts_again(
    compose_small: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, num_files: int
) -> None:
    values, written = compose_small("on_existing=resume"), []

    def write_until_killed(path: Path, *content: str, durable: bool = False) -> None:
        if len(written) == num_files:
            raise Killed
        written.append(write_atomic(path, *content, durable=durable))

    with monkeypatch.context() as patched:
        patched.setattr("segexp.run.folder.write_atomic", write_until_killed)
        patched.setattr(RunFolder, "_owner_known", lambda run: nullcontext())
        with pytest.raises(Killed):
            start(values, tmp_path)
    assert len(written) == num_files
    start(values, tmp_path)
    assert RunFolder(tmp_path).state() == "finished"


def test_a_repeated_command_may_choose_another_cache(compose_small: Compose, tmp_path: Path) -> None:
    start(compose_small("trainer.max_epochs=2"), tmp_path)
    run = RunFolder(tmp_path)
    run.checkpoint("last").unlink()  # so that the checkpoint of the first epoch is the newest
    run.write_status("preempted")
    decision = planned(tmp_path, compose_small("trainer.max_epochs=2", "data.cache=disk", "on_existing=resume"))
    assert isinstance(decision, GoOn)
    assert decision.values["data"]["cache"] == "disk"


@pytest.mark.parametrize(
    ("typed", "fact"), [("resume=2024", "resume is 2024"), ("resume=runs/nowhere", "runs/nowhere")]
)
def test_a_wrong_run_to_resume_is_named_and_leaves_no_folder(typed: str, fact: str, tmp_path: Path) -> None:
    answer = segexp("train", typed, folder=tmp_path)
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1
    assert fact in answer.stderr
    assert "run=" not in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_a_run_is_refused_before_lightning_is_loaded(trained: RunFolder) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "segexp.train", f"hydra.run.dir={trained.path}"]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert "already holds a run" in answer.stderr
    assert "pytorch_lightning" not in answer.stderr


def test_a_refused_run_whose_folder_was_named_says_there_why(compose_small: Compose, tmp_path: Path) -> None:
    """As the jobs of a sweep do, whose table gives the reason."""
    with pytest.raises(FileNotFoundError, match="no folder .*trian"):
        start(compose_small("data.train_split=trian"), tmp_path / "job")
    status = RunFolder(tmp_path / "job").status()
    assert status["state"] == "failed"
    assert "choose another split" in status["reason"]
