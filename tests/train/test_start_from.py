"""start_from=RUN: a new training begins with the weights of an earlier run, as far as they fit."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from segexp import build
from segexp.model.segmenter import Segmenter
from segexp.model.smp import smp
from segexp.run.checkpoint import model_weights
from segexp.run.folder import RunFolder
from segexp.train.plan import Request, plan
from segexp.train.start_from import copy_weights
from segexp.types import Values
from tests.training import resume, start

Compose = Callable[..., Values]
SAME = "classes=cityscapes19"


@pytest.fixture
def origin(trained: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of a finished run, on the 19 classes of Cityscapes."""
    return RunFolder(Path(shutil.copytree(trained.path, tmp_path / "origin")))


@pytest.mark.fast
def test_the_same_network_gets_every_tensor(trained: RunFolder) -> None:
    model = build.model(trained.config)
    copied = copy_weights(model, trained.checkpoint("best"))
    stored = model_weights(trained.checkpoint("best"))
    assert (copied.num_copied, copied.fresh, copied.unused) == (len(stored), [], [])
    for name, value in model.state_dict().items():
        assert torch.equal(value, stored[name]), name


@pytest.mark.fast
def test_a_head_of_another_number_of_classes_starts_fresh_and_is_listed(trained: RunFolder) -> None:
    model = build.model({**trained.config, "model": {**trained.config["model"], "num_classes": 8}})
    before = {name: value.clone() for name, value in model.state_dict().items()}
    copied = copy_weights(model, trained.checkpoint("best"))
    stored = model_weights(trained.checkpoint("best"))
    fresh = [name for name, value in before.items() if value.shape != stored[name].shape]
    assert fresh
    assert copied.fresh == [
        f"{name}, {list(before[name].shape)} here, {list(stored[name].shape)} there" for name in fresh
    ]
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name] if name in fresh else stored[name]), name


@pytest.mark.fast
def test_tensors_that_the_network_does_not_have_are_listed(trained: RunFolder) -> None:
    smaller = {**trained.config["model"], "num_columns_down": 1, "num_columns_up": 1, "streams": [4]}
    model = build.model({**trained.config, "model": smaller})
    copied = copy_weights(model, trained.checkpoint("last"))
    stored = model_weights(trained.checkpoint("last"))
    assert set(copied.unused) == stored.keys() - model.state_dict().keys()


@pytest.mark.parametrize("network", [torch.nn.Conv2d(3, 3, 1), Segmenter(torch.nn.Conv2d(3, 3, 1), 1)])
def test_a_network_that_has_nothing_in_common_is_refused(trained: RunFolder, network: torch.nn.Module) -> None:
    with pytest.raises(ValueError, match=r"start_from: no tensor of .*best.ckpt has the name and the shape"):
        copy_weights(network, trained.checkpoint("best"))


def test_mean_and_std_are_copied_only_with_the_whole_encoder(tmp_path: Path) -> None:
    stored = smp(5, "FPN", "resnet18", None, mean=[0.1, 0.2, 0.3])
    state = {f"model.{name}": value for name, value in stored.state_dict().items()}
    torch.save({"global_step": 1, "state_dict": state}, tmp_path / "best.ckpt")
    same, other = (smp(5, "FPN", encoder, None) for encoder in ("resnet18", "tu-mobilevit_xxs"))
    assert copy_weights(same, tmp_path / "best.ckpt").fresh == []
    assert torch.equal(same.mean, stored.mean)
    assert "mean, as it belongs to the weights of the encoder" in copy_weights(other, tmp_path / "best.ckpt").fresh
    assert other.mean.flatten().tolist() == [0, 0, 0]


def test_a_training_begins_with_the_weights_and_records_it(
    compose_small: Compose, origin: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = [f"start_from={origin.path}", SAME, "optimizer.lr=0", "trainer.limit_train_batches=1"]
    (origin.path / "config.yaml").write_text("model: {_target_: os.system}")  # nothing of it is built
    start(compose_small(*typed), tmp_path / "run")
    assert "start_from  " in capsys.readouterr().out
    run = RunFolder.open(tmp_path / "run")
    recorded = run.environment["start_from"]
    assert recorded["path"] == str(origin.path / "checkpoints/best.ckpt")
    assert (recorded["fresh"], recorded["unused"]) == ([], [])
    before, after = (model_weights(each.checkpoint("best")) for each in (origin, run))
    unchanged = [name for name in after if name.endswith(("weight", "bias"))]
    assert unchanged
    assert all(torch.equal(before[name], after[name]) for name in unchanged)


@pytest.mark.slow
def test_a_run_goes_on_without_the_run_that_it_began_with(
    compose_small: Compose, origin: RunFolder, tmp_path: Path
) -> None:
    typed = [f"start_from={origin.path}", "start_checkpoint=last", "trainer.max_epochs=2"]
    start(compose_small(*typed), tmp_path / "undisturbed")
    start(compose_small(*typed, "trainer.max_epochs=1"), tmp_path / "resumed")
    shutil.rmtree(origin.path)
    resume(tmp_path / "resumed", ["trainer.max_epochs=2"])
    ends = [model_weights(tmp_path / name / "checkpoints/last.ckpt") for name in ("undisturbed", "resumed")]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


@pytest.mark.parametrize(
    ("typed", "facts"),
    [
        (["start_from=nowhere"], ["no run folder", "nowhere", "start_from="]),
        (["start_from=ORIGIN", "start_checkpoint=bst"], ["no checkpoint 'bst'", "best", "last"]),
        (["start_from=3"], ["start_from is 3", "the path of a folder"]),
    ],
)
def test_a_run_that_is_not_there_is_refused_before_anything_is_written(
    compose_small: Compose, origin: RunFolder, tmp_path: Path, typed: list[str], facts: list[str]
) -> None:
    values = compose_small(*(each.replace("ORIGIN", str(origin.path)) for each in typed))
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        plan(RunFolder(tmp_path / "run"), Request(values, {}, []))
    assert [fact for fact in facts if fact not in str(error.value)] == []
    assert not (tmp_path / "run").exists()
