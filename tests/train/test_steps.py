"""A training counted in optimizer steps ends as one counted in epochs: validated, saved, and resumed to the bit."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from segexp.config.compose import compose
from segexp.run.earlier import in_words_of_today
from segexp.run.folder import RunFolder
from segexp.types import Values
from tests.e2e.command import assert_same, last, scores
from tests.train.interrupted import interrupted_after
from tests.training import resume, start

Compose = Callable[..., Values]
QUIET = ["callbacks.panels.num_scenes=0"]
WITHIN_THIRD_EPOCH = ["trainer.max_steps=8", "trainer.max_epochs=-1", "trainer.val_check_interval=5"]
"""An epoch of the small training has 3 steps."""
RESUMED = ["callbacks.last.every_n_train_steps=1", "on_existing=resume"]
STEPS = [*QUIET, *WITHIN_THIRD_EPOCH, *RESUMED, "model.total_dropout=0.2"]


def validated_steps(folder: Path) -> list[int]:
    """After how many steps a run was validated."""
    return [row["step"] + 1 for row in RunFolder(folder).history() if "val/miou" in row]


@pytest.mark.fast
def test_a_number_of_steps_takes_the_place_of_the_number_of_epochs() -> None:
    def trainer(*typed: str) -> Values:
        return compose("train", list(typed))["trainer"]

    assert trainer()["max_epochs"] == 100
    assert trainer("trainer.max_steps=40000")["max_epochs"] == -1
    assert trainer("trainer.max_steps=40000", "trainer.max_epochs=7")["max_epochs"] == 7
    assert trainer("trainer=ddp", "trainer.val_check_interval=4000")["check_val_every_n_epoch"] is None
    assert trainer("trainer.val_check_interval=0.5")["check_val_every_n_epoch"] == 1


@pytest.mark.fast
def test_a_run_from_before_these_keys_is_the_one_that_its_command_asks_for() -> None:
    today = compose("train")
    earlier = {key: value for key, value in today["trainer"].items() if key not in ("max_steps", "val_check_interval")}
    assert in_words_of_today({**today, "trainer": earlier})["trainer"] == today["trainer"]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (["trainer.max_steps=1"], [1]),
        (["trainer.max_steps=5", "trainer.val_check_interval=4"], [4, 5]),
        (["trainer.max_steps=4", "trainer.check_val_every_n_epoch=3"], [4]),
        (["trainer.max_epochs=2", "trainer.check_val_every_n_epoch=3"], [6]),
        (
            ["trainer.max_steps=5", "trainer.val_check_interval=2", "trainer.accumulate_grad_batches=2"],
            [2, 4, 5],
        ),
    ],
)
def test_the_last_weights_are_validated_and_saved(compose_small: Compose, tmp_path: Path, typed, wanted) -> None:
    ends = [] if "trainer.max_epochs=2" in typed else ["trainer.max_epochs=-1"]
    start(compose_small(*QUIET, *ends, *typed), tmp_path)
    run = RunFolder(tmp_path)
    assert validated_steps(tmp_path) == wanted
    assert torch.load(run.checkpoint("last"), weights_only=True)["global_step"] == wanted[-1]
    assert torch.load(run.checkpoint("best"), weights_only=True)["global_step"] in wanted


def test_a_schedule_and_its_warmup_end_with_the_steps(compose_small: Compose, tmp_path: Path) -> None:
    start(compose_small(*QUIET, *WITHIN_THIRD_EPOCH, "scheduler=poly", "warmup=0.5", "optimizer.lr=1.0"), tmp_path)
    state = torch.load(RunFolder(tmp_path).checkpoint("last"), weights_only=True)["lr_schedulers"][0]
    assert state["_milestones"] == [4]
    assert state["_schedulers"][1]["total_iters"] == 4
    assert state["_last_lr"] == [0.0]


@pytest.fixture(scope="module")
def undisturbed(compose_small: Compose, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A whole run of `STEPS`, for tests that only read it."""
    run = RunFolder(tmp_path_factory.mktemp("undisturbed") / "run")
    start(compose_small(*STEPS), run.path)
    return run


ACCUMULATED = ["data.batch_size=1", "trainer.accumulate_grad_batches=2"]


def test_a_run_of_steps_that_was_interrupted_ends_as_the_undisturbed_one(
    compose_small: Compose, tmp_path: Path, undisturbed: RunFolder
) -> None:
    assert_interruptions_change_nothing(compose_small(*STEPS), tmp_path, undisturbed)


@pytest.mark.slow
def test_a_run_of_accumulated_steps_that_was_interrupted_ends_as_the_undisturbed_one(
    compose_small: Compose, tmp_path: Path
) -> None:
    values = compose_small(*STEPS, *ACCUMULATED)
    start(values, tmp_path / "undisturbed")
    assert_interruptions_change_nothing(values, tmp_path, RunFolder(tmp_path / "undisturbed"))


def assert_interruptions_change_nothing(values: Values, tmp_path: Path, undisturbed: RunFolder) -> None:
    for step, by_signal in ((3, True), (4, False), (8, True)):  # between two epochs, after one, in the last validation
        run = RunFolder(tmp_path / str(step))
        with interrupted_after(step, by_signal):
            start(values, run.path)
        start(values, run.path)
        assert_same(run, undisturbed)


def test_a_run_that_was_killed_in_its_last_step_makes_it_again(compose_small: Compose, tmp_path: Path) -> None:
    values = compose_small(*QUIET, *RESUMED, "trainer.max_epochs=1")
    whole, parts = (RunFolder(tmp_path / name) for name in ("whole", "parts"))
    start(values, whole.path)
    with interrupted_after(3, by_signal=False):
        start(values, parts.path)
    start(values, parts.path)
    assert_same(parts, whole)


def test_a_run_that_ended_within_an_epoch_goes_on_in_it(
    compose_small: Compose, tmp_path: Path, undisturbed: RunFolder
) -> None:
    parts = RunFolder(tmp_path / "parts")
    start(compose_small(*STEPS, "trainer.max_steps=4"), parts.path)
    with pytest.raises(ValueError, match=r"has trained 4 steps, and trainer.max_steps is 4: nothing is left to train"):
        resume(parts.path)
    resume(parts.path, ["trainer.max_steps=8"])
    found, wanted = last(parts), last(undisturbed)
    assert [key for key in wanted if not torch.equal(found[key], wanted[key])] == []
    assert [row for row in scores(parts) if row["step"] > 3] == [row for row in scores(undisturbed) if row["step"] > 3]


@pytest.mark.slow
def test_a_plateau_is_resumed_within_an_epoch(compose_small: Compose, tmp_path: Path) -> None:
    plateau = ["scheduler=plateau", "scheduler.patience=0", "optimizer.lr=0.1"]
    values = compose_small(*STEPS, *plateau, "trainer.val_check_interval=2")
    start(values, tmp_path / "undisturbed")
    run = RunFolder(tmp_path / "parts")
    with interrupted_after(5, by_signal=True):
        start(values, run.path)
    start(values, run.path)
    assert_same(run, RunFolder(tmp_path / "undisturbed"))
    state = torch.load(run.checkpoint("last"), weights_only=True)["lr_schedulers"][0]
    assert state["num_reductions"] + state["num_waited"] > 0


def test_a_shortened_run_can_be_lengthened_again_and_no_schedule_is_outlived(
    compose_small: Compose, tmp_path: Path
) -> None:
    poly = [*QUIET, "scheduler=poly", "data.batch_size=1", "trainer.accumulate_grad_batches=2"]
    start(compose_small(*poly, "trainer.max_epochs=2", "trainer.limit_train_batches=2"), tmp_path / "parts")
    parts = RunFolder(tmp_path / "parts")
    last_epoch = parts.checkpoint("previous")
    last_epoch.replace(parts.checkpoint("last"))  # as if it was killed in its second epoch
    parts.write_status("preempted")
    before = {path: path.read_bytes() for path in parts.path.glob("*.*")}
    for change, num_steps in (("accumulate_grad_batches=1", 4), ("limit_train_batches=null", 6)):
        with pytest.raises(ValueError, match=rf"scheduler=poly was planned for 2 .* would now have {num_steps}; keep"):
            resume(parts.path, [f"trainer.{change}"])
    assert {path: path.read_bytes() for path in parts.path.glob("*.*")} == before
    shortened = RunFolder(tmp_path / "shortened")
    with interrupted_after(4, by_signal=True):
        start(compose_small(*poly, "trainer.max_epochs=3"), shortened.path)
    resume(shortened.path, ["trainer.max_epochs=2"])
    assert shortened.status()["trained_share"] == pytest.approx(2 / 3, abs=1e-4)
    resume(shortened.path, ["trainer.max_epochs=3"])
    with pytest.raises(ValueError, match=r"max_epochs is 4, but scheduler=poly ends at 3"):
        resume(shortened.path, ["trainer.max_epochs=4"])
