"""A training from configuration to run folder, and what happens when something is wrong."""

import json
import math
import shutil
from pathlib import Path

import pytest
import pytorch_lightning as lightning
import torch

from segexp import build
from segexp.config.compose import compose
from segexp.run import checkpoint
from segexp.run.folder import RunFolder
from segexp.sweep.job import Job
from segexp.sweep.job_status import ProcessState, job_status
from segexp.train.plan import Request, plan
from tests.training import resume, start


def test_the_run_folder_holds_what_it_promises(trained: RunFolder) -> None:
    assert trained.state() == "finished"
    for name in ("config.yaml", "environment.json", "status.json", "metrics.jsonl", "pictures/validation.png"):
        assert (trained.path / name).is_file(), name
    assert {path.name for path in trained.checkpoints.iterdir()} == {"best.ckpt", "last.ckpt", "previous.ckpt"}
    assert {path.name for path in trained.pictures.iterdir()} >= {"confusion.png", "learning_curves.png"}
    assert {"git", "packages", "hardware", "data", "choices", "overrides", "command"} <= set(trained.environment)
    assert set(trained.environment["data"]) == {"train", "val"}


def test_the_log_holds_the_promised_names(trained: RunFolder) -> None:
    logged = {name for row in trained.history() for name in row}
    for split in ("train", "val"):
        assert {f"{split}/{name}" for name in ("loss", "miou", "dice", "pixel_accuracy", "iou/road")} <= logged
        assert f"{split}/category_iou/flat" in logged
    assert {"train/lr", "train/samples_per_second", "train/loss_step"} <= logged


def test_a_checkpoint_holds_tensors_and_plain_values_only(trained: RunFolder) -> None:
    for name in ("best", "last"):
        torch.load(trained.checkpoint(name), weights_only=True)  # refuses anything else


def test_a_finished_run_is_never_overwritten(trained: RunFolder, compose_small) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.path.rglob("*")}
    with pytest.raises(FileExistsError, match="already holds a run"):
        start(compose_small(), trained.path)
    assert {path: path.stat().st_mtime_ns for path in trained.path.rglob("*")} == before


def test_the_same_seed_gives_the_same_weights(compose_small, tmp_path: Path) -> None:
    states = []
    for name, workers in (("a", 0), ("b", 1)):
        start(compose_small(f"data.num_workers={workers}", "augmentation=note"), tmp_path / name)
        states.append(checkpoint.model_weights(tmp_path / name / "checkpoints/last.ckpt"))
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_resumed_training_ends_as_an_undisturbed_one(compose_small, tmp_path: Path) -> None:
    start(compose_small("trainer.max_epochs=3", "augmentation=note"), tmp_path / "whole")
    start(compose_small("trainer.max_epochs=1", "augmentation=note"), tmp_path / "parts")
    resume(tmp_path / "parts", ["trainer.max_epochs=3"])
    whole, parts = (RunFolder.open(tmp_path / name) for name in ("whole", "parts"))
    states = [checkpoint.model_weights(run.checkpoint("last")) for run in (whole, parts)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    scores = [[row["val/miou"] for row in run.history() if "val/miou" in row] for run in (whole, parts)]
    assert scores[0] == scores[1]


def test_a_finished_run_is_not_resumed_without_more_to_do(trained: RunFolder) -> None:
    with pytest.raises(ValueError, match=r"trained 2 epochs, and trainer.max_epochs is 2: nothing is left"):
        resume(trained.path, [])


@pytest.mark.parametrize("override", ["model=unet", "loss._target_=os.system", "optimizer.lr=1e-4", "seed=3"])
def test_resume_refuses_what_cannot_change_any_more(trained: RunFolder, override: str) -> None:
    with pytest.raises(ValueError, match=f"{override} cannot change"):
        resume(trained.path, [override])


def test_resume_names_a_key_that_the_run_does_not_have(trained: RunFolder) -> None:
    with pytest.raises(ValueError, match=r"has no trainer\.max_epoch;.*\+\+trainer\.max_epoch="):
        resume(trained.path, ["trainer.max_epoch=3"])


def test_weights_of_another_architecture_are_refused(trained: RunFolder) -> None:
    model = build.model({**trained.config, "model": {**trained.config["model"], "streams": [4, 6]}})
    weights = checkpoint.model_weights(trained.checkpoint("last"))
    with pytest.raises(ValueError, match="another architecture or number of classes"):
        checkpoint.check_fit(model, weights, trained.checkpoint("last"))


def test_a_checkpoint_of_another_class_count_names_the_shapes(trained: RunFolder, compose_small) -> None:
    with pytest.raises(ValueError, match=r"is \[19\] there and \[8\] here"):
        checkpoint.load_weights(build.model(compose_small()), trained.checkpoint("best"))


def test_a_torn_checkpoint_is_named(trained: RunFolder, tmp_path: Path, compose_small) -> None:
    torn = tmp_path / "torn.ckpt"
    torn.write_bytes(trained.checkpoint("best").read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"torn.ckpt is damaged.*checkpoint=last"):
        checkpoint.load_weights(build.model(compose_small()), torn)


def test_a_torn_last_checkpoint_is_named_by_resume(compose_small, tmp_path: Path) -> None:
    start(compose_small(), tmp_path)
    last = RunFolder.open(tmp_path).checkpoint("last")
    last.write_bytes(last.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"last\.ckpt is damaged"):
        resume(tmp_path, ["trainer.max_epochs=2"])
    assert RunFolder(tmp_path).state() == "finished"


def test_a_loss_that_is_not_finite_stops_the_run_and_says_why(compose_small, tmp_path: Path) -> None:
    config = compose_small("optimizer=sgd", "optimizer.lr=1e30", "trainer.max_epochs=3")
    with pytest.raises(FloatingPointError, match=r"not finite .*lower optimizer\.lr"):
        start(config, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    assert "FloatingPointError" in run.status()["reason"]
    assert not list(run.checkpoints.glob("*"))


def test_a_grouping_that_does_not_fit_fails_before_training(compose_small, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="are not labels of cityscapes"):
        start(compose_small("classes=camvid11"), tmp_path / "run")
    assert RunFolder(tmp_path / "run").state() == "failed"


def test_early_stopping_ends_a_training_that_does_not_improve(compose_small, tmp_path: Path, capsys) -> None:
    patience = ["callbacks=[default,early_stopping]", "callbacks.early_stopping.patience=1"]
    start(compose_small(*patience, "optimizer.lr=0.0", "trainer.max_epochs=9"), tmp_path)
    run = RunFolder.open(tmp_path)
    scores = [row["val/miou"] for row in run.history() if "val/miou" in row]
    best = f"best {max(scores):.4f} after epoch {scores.index(max(scores)) + 1}"
    reason = f"stopped early: val/miou has not improved for 1 epoch; {best}"
    assert run.status()["ended"] == reason
    assert run.status()["trained_share"] == pytest.approx(len(scores) / 9, abs=1e-4)
    assert f"ended       {reason}\n" in capsys.readouterr().out
    job = Job(0, "early", tmp_path, ())
    assert job_status(job, ProcessState.ENDED).reason == reason
    request = Request(compose("train", [f"resume={tmp_path}"]), {}, [f"resume={tmp_path}"])
    with pytest.raises(ValueError, match=r"has ended: stopped early: .*; to train further, begin .* start_from="):
        plan(run, request)


def test_a_training_that_reaches_its_end_says_so_to_whoever_asks(trained: RunFolder) -> None:
    assert (trained.status()["ended"], trained.status()["trained_share"]) == ("reached trainer.max_epochs=2", 1.0)
    assert job_status(Job(0, "whole", trained.path, ()), ProcessState.ENDED).reason == ""


def test_a_frozen_encoder_moves_only_when_its_epochs_are_over(small, tmp_path: Path) -> None:
    data = [each for each in small() if not each.startswith("model.")]
    model = ["model=unet", "model.encoder=resnet18", "callbacks=finetune"]
    freeze = ["callbacks.freeze_encoder.num_epochs=1", "callbacks.freeze_encoder.weights=own"]
    encoders = []
    for num_epochs in (1, 2):
        folder = tmp_path / str(num_epochs)
        start(compose("train", [*data, *model, *freeze, f"trainer.max_epochs={num_epochs}"]), folder)
        weights = checkpoint.model_weights(folder / "checkpoints/last.ckpt")
        encoders.append({key: value for key, value in weights.items() if ".encoder." in key})
    lightning.seed_everything(0, verbose=False)
    fresh = build.model(compose("train", [*data, *model])).state_dict()
    frozen, thawed = encoders
    assert all(torch.equal(frozen[key], fresh[key]) for key in frozen)
    assert any(not torch.equal(thawed[key], fresh[key]) for key in thawed)


@pytest.mark.parametrize("further", [["precision=bfloat16"], ["memory_format=channels_last"], ["scheduler=poly"]])
def test_the_options_of_training_train(compose_small, tmp_path: Path, further: list[str]) -> None:
    start(compose_small(*further, "trainer.gradient_clip_val=1", "trainer.accumulate_grad_batches=2"), tmp_path)
    losses = [row["train/loss"] for row in RunFolder.open(tmp_path).history() if "train/loss" in row]
    assert losses
    assert all(math.isfinite(loss) for loss in losses)


def test_metrics_are_written_as_one_json_object_a_line(trained: RunFolder) -> None:
    for line in (trained.path / "metrics.jsonl").read_text().splitlines():
        assert isinstance(json.loads(line)["step"], int)


@pytest.mark.parametrize(
    ("overrides", "fact"),
    [
        (["data.batch_size=4"], "data.batch_size=4 cannot change"),
        (["trainer.max_epochs=1"], "nothing is left to train"),
        (["trainer.max_epochs=abc"], "trainer.max_epochs is 'abc'"),
        (["trainer.precision=9", "trainer.max_epochs=9"], "trainer.precision=9 cannot change"),
    ],
)
def test_a_refused_resume_changes_nothing(trained: RunFolder, overrides: list[str], fact: str) -> None:
    before = {path: path.read_bytes() for path in trained.path.glob("*.*")}
    with pytest.raises(ValueError, match=fact):
        resume(trained.path, overrides)
    assert {path: path.read_bytes() for path in trained.path.glob("*.*")} == before


def test_a_run_does_not_go_on_with_other_files(trained: RunFolder, tmp_path: Path) -> None:
    """Its record, by which runs are compared, would name images that it was not trained on."""
    source = build.source(trained.config)
    mask, streets = source.pairs("train")[0].mask, source.folder
    shutil.copytree(streets, tmp_path / streets.name)
    (tmp_path / streets.name / mask.relative_to(streets)).write_bytes(mask.read_bytes() + b"corrected")
    before = {path: path.read_bytes() for path in trained.path.glob("*.*")}
    with pytest.raises(ValueError, match=r"the files of train have other names or sizes than when .* began; restore"):
        resume(trained.path, ["trainer.max_epochs=9", f"data.root={tmp_path}"])
    assert {path: path.read_bytes() for path in trained.path.glob("*.*")} == before


def test_a_moved_run_remembers_its_best_score(compose_small, tmp_path: Path) -> None:
    start(compose_small("trainer.max_epochs=2"), tmp_path / "before")
    run = RunFolder.open((tmp_path / "before").rename(tmp_path / "after"))
    resume(run.path, ["trainer.max_epochs=3"])
    scores = [row["val/miou"] for row in run.history() if "val/miou" in row]
    best = torch.load(run.checkpoint("best"), weights_only=True)
    assert best["epoch"] == scores.index(max(scores))
    kept = [state for key, state in best["callbacks"].items() if "KeepCheckpoint" in key and state["monitor"]]
    assert kept[0]["best_model_score"] == pytest.approx(max(scores))


def test_a_changed_setting_of_a_resume_is_recorded(compose_small, tmp_path: Path) -> None:
    start(compose_small(), tmp_path)
    resume(tmp_path, ["resume=x", "trainer.max_epochs=2", "callbacks.panels.num_scenes=1"])
    run = RunFolder.open(tmp_path)
    assert run.config["callbacks"]["panels"]["num_scenes"] == 1
    assert len(run.environment["resumes"]) == 1


@pytest.mark.parametrize(
    ("wrong", "facts"),
    [
        ("seed=-1", ("seed is -1", "0 to 2^32 - 1")),
        ("seed=null", ("seed is null", "0 to 2^32 - 1")),
        ("compile=abc", ("compile is 'abc'", "true, false")),
        ("matmul_precision=low", ("matmul_precision is 'low'", "highest, high, medium")),
        ("data.image_size=64", ("data.image_size is 64", "[height, width]")),
        ("data.num_workers=1.5", ("data.num_workers is 1.5", "a whole number")),
        ("data.num_train=abc", ("num_train", "abc")),
        ("model.streams=4", ("segexp.model.gridnet.gridnet", "'streams': 4")),
        ("optimizer.lr=abc", ("optimizer.lr is 'abc'", "a number of at least 0")),
        ("trainer.accumulate_grad_batches=0", ("trainer.accumulate_grad_batches is 0", "at least 1")),
        ("trainer.precision=9", ("trainer.precision is 9", "precision is 'float32'")),
    ],
)
def test_a_wrong_value_is_a_value_error_that_names_it(
    compose_small, tmp_path: Path, wrong: str, facts: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=".") as refused:
        start(compose_small(wrong), tmp_path)
    assert [fact for fact in facts if fact not in str(refused.value)] == [], refused.value
    assert RunFolder(tmp_path).state() == "failed"
