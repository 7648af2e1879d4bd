"""What may change when a run goes on, older runs included."""

import copy
import shlex
from pathlib import Path

import pytest

from segexp.config.compose import compose
from segexp.run.earlier import in_words_of_today
from segexp.run.folder import RunFolder
from segexp.train import resume

TODAY = compose("train")


def older(*keys: str) -> dict:
    """The configuration of a run from before there were these keys."""
    values = copy.deepcopy(TODAY)
    for parent, _, last in (key.rpartition(".") for key in keys):
        del values[parent][last]
    return values


def test_a_key_that_today_s_runs_have_is_accepted_by_an_older_one() -> None:
    values = older("data.cache", "data.cache_root", "trainer.sync_batchnorm")
    typed = ["data.cache=disk", "data.cache_root=/local", "trainer.sync_batchnorm=true"]
    found = resume.with_overrides(values, typed)
    assert found["data"]["cache"] == "disk"
    assert found["data"]["cache_root"] == "/local"
    assert found["trainer"]["sync_batchnorm"] is True


def test_an_option_without_the_arguments_that_its_part_has_got_since_is_the_same() -> None:
    asked = compose("train", ["~callbacks.stop.patience_seconds", "~loss.label_smoothing"])
    resume.check_same(in_words_of_today(asked), asked)
    resume.check_same(asked, in_words_of_today(asked))


def test_a_misspelt_key_is_refused_and_one_of_another_option_too() -> None:
    with pytest.raises(ValueError, match=r"has no data.cache_rot; see its config.yaml"):
        resume.with_overrides(TODAY, ["data.cache_rot=/local"])
    with pytest.raises(ValueError, match="has no data.cache;"):
        resume.with_overrides(older("data.cache"), ["~data.cache"])
    csv = {**TODAY, "logger": {"csv": {"_target_": "segexp.logger.csv.csv_logger"}}}
    for values in (csv, {**TODAY, "logger": {}}):
        with pytest.raises(ValueError, match=r"has no logger.wandb.project; .* \+\+logger.wandb.project=\.\.\. to add"):
            resume.with_overrides(values, ["logger.wandb.project=mine"])


def test_a_run_from_before_fused_optimizers_is_the_one_that_its_command_asks_for() -> None:
    resume.check_same(older("optimizer.fused"), compose("train"))
    with pytest.raises(ValueError, match=r"optimizer.fused was False and is True"):
        resume.check_same({**TODAY, "optimizer": {**TODAY["optimizer"], "fused": False}}, compose("train"))
    with pytest.raises(ValueError, match=r"another configuration: optimizer.lr was 'absent' and is 0.001;"):
        resume.check_same(older("optimizer.fused", "optimizer.lr"), compose("train"))


def test_what_lives_in_the_weights_cannot_change() -> None:
    with pytest.raises(ValueError, match="model.width=3 cannot change"):
        resume.with_overrides(TODAY, ["++model.width=3"])


@pytest.mark.parametrize("typed_schedule", ["scheduler=poly", "scheduler=cosine", "warmup=0.1"])
@pytest.mark.parametrize(("key", "planned", "longer"), [("max_epochs", 4, (5,)), ("max_steps", 60, (61, -1))])
def test_a_schedule_that_ends_with_the_training_cannot_be_outlived(
    tmp_path: Path, typed_schedule, key, planned: int, longer
) -> None:
    """What is trained behind it would be at a learning rate of 0, or at one that rises again."""
    run, constant = (
        compose("train", [each, f"++trainer.{key}={planned}"]) for each in (typed_schedule, "scheduler=constant")
    )
    folder = RunFolder(tmp_path / "a run")
    overrides = ["model=unet", f"trainer.{key}={planned}", "hydra.run.dir=x"]
    folder.write_environment({"overrides": overrides, "config_folders": [str(tmp_path / "my conf")]})
    for number in longer:
        typed = [f"trainer.{key}={number}"]
        with pytest.raises(
            ValueError, match=rf"{key} is {number}, .*{typed_schedule} ends at {planned} .*: python"
        ) as refused:
            resume.check_end_of_schedule(folder, {}, run, resume.with_overrides(run, typed))
        command = shlex.split(str(refused.value).partition("segexp.train ")[2])
        further = number - planned if number > planned else planned
        assert (command.pop(0), command.pop(0)) == ("--config-dir", str(tmp_path / "my conf"))
        assert command == ["model=unet", f"start_from='{folder.path}'", f"trainer.{key}={further}"]
        assert compose("train", command)["start_from"] == str(folder.path)
        resume.check_end_of_schedule(folder, {}, constant, resume.with_overrides(constant, typed))
    for allowed in (planned, planned - 1):  # stopped earlier, at a learning rate that is high still
        resume.check_end_of_schedule(folder, {}, run, resume.with_overrides(run, [f"trainer.{key}={allowed}"]))


def test_what_is_said_of_a_run_that_ended_helps() -> None:
    last = resume.Checkpoint(
        Path("run/checkpoints/last.ckpt"), {}, num_epochs=4, num_steps=40, has_ended=True, planned=None, scheduled={}
    )
    for scheduler, cure in (
        ("constant", "to train further, add trainer.max_epochs=8"),
        ("poly", "start_from=run trainer.max_epochs=4"),
    ):
        values = compose("train", [f"scheduler={scheduler}", "trainer.max_epochs=4"])
        with pytest.raises(ValueError, match=f"nothing is left to train; .*{cure}"):
            resume.check_something_left(last, values)


def test_a_run_that_recorded_no_files_goes_on_with_any(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_environment({"data": {"train": "a", "val": "b"}})
    resume.check_files(run, {"train": "a", "val": "b"})
    with pytest.raises(ValueError, match="the files of train and val have other names .* delete data from its"):
        resume.check_files(run, {"train": "b", "val": "a"})
    run.write_environment({})
    resume.check_files(run, {"train": "b", "val": "a"})
