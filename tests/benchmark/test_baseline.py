"""Two builds of segexp are compared by their commands alone, of whatever layout they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

import segexp
from segexp.benchmark import baseline
from segexp.benchmark.baseline_cases import PredictionCase, StartCase, TrainingCase
from segexp.benchmark.checkout import Checkout, CommandFailedError
from segexp.benchmark.settings import BaselineSettings, BaselineTraining
from segexp.config.compose import compose

CPU = torch.device("cpu")
TRAIN = """
import json, pathlib, sys, time
if "--cfg=job" in sys.argv:
    sys.exit()
folder = pathlib.Path(next(each for each in sys.argv if each.startswith("hydra.run.dir="))[14:])
folder.mkdir(parents=True)
rows = [{"step": 9, "train/loss": 1.0}, {"train/samples_per_second": 1}, {"train/samples_per_second": RATE}]
(folder / "metrics.jsonl").write_text("\\n".join(map(json.dumps, rows)))
"""
PREDICT = """
import pathlib, sys, time
given = dict(each.split("=", 1) for each in sys.argv[1:])
masks = pathlib.Path(given["output"]) / "masks"
masks.mkdir(parents=True)
for image in pathlib.Path(given["input"]).iterdir():
    (masks / image.name).touch()
    time.sleep(0.1)
"""
TRAINING = TrainingCase(BaselineTraining(overrides=("model=unet",), batch=2, size=(32, 64), steps=3), "/streets")
PREDICTION = PredictionCase(("model=unet",), (32, 64), 3, (), "/streets")
START = StartCase(("experiment=demo",))


@pytest.fixture
def version(tmp_path: Path) -> Callable[..., Checkout]:
    """Makes a checkout of a version that has nothing of today's segexp but the commands."""

    def make(name: str, train: str, predict: str = PREDICT, max_seconds: float = 60) -> Checkout:
        package = tmp_path / f"version_{name}" / "segexp"
        package.mkdir(parents=True)
        for module, text in {"__init__": "", "train": train, "predict": predict}.items():
            (package / f"{module}.py").write_text(text)
        return Checkout(name, package.parent, (), max_seconds)

    return make


@pytest.fixture
def compared(version: Callable[..., Checkout], tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    def records(case: Any, baseline_train: str, this_train: str, rounds: int = 2) -> list[dict[str, Any]]:
        builds = [version("baseline", baseline_train), version("this", this_train)]
        return list(baseline.compare(case, builds, rounds, tmp_path))

    return records


def test_the_images_per_second_of_the_second_epoch_are_compared(compared: Callable[..., Any]) -> None:
    speed, memory = compared(TRAINING, TRAIN.replace("RATE", "8"), TRAIN.replace("RATE", "20"))
    assert speed["measure"] == "images/s"
    assert (speed["baseline"], speed["this"], speed["ratio"]) == (8, 20, 2.5)
    assert (speed["lowest"], speed["highest"], speed["baseline_rounds"]) == (2.5, 2.5, [8, 8])
    assert memory["measure"] == "MB"
    assert memory["ratio"] == pytest.approx(1, abs=0.2)


def test_masks_are_counted_from_the_first_to_the_last(compared: Callable[..., Any]) -> None:
    train = TRAIN.replace("RATE", "1")
    speed, _, above = compared(PREDICTION, train, train, rounds=1)
    assert 1 < speed["this"] < 11  # three masks, 0.1 s from each to the next, or more on a busy machine
    assert above["measure"] == "MB above a 32x32 image"


def test_the_start_of_a_training_is_measured_until_its_first_row(compared: Callable[..., Any]) -> None:
    endless = TRAIN.replace("RATE", "1") + "\ntime.sleep(600)"
    seconds, cpu_seconds = compared(START, endless, endless, rounds=1)
    assert 0 < seconds["this"] < 300
    assert 0 < cpu_seconds["this"] < 300


def test_a_failure_is_reported_with_its_last_words_and_its_build(compared: Callable[..., Any]) -> None:
    records = compared(TRAINING, TRAIN.replace("RATE", "8"), "raise SystemExit('no such network')")
    assert [record["note"] for record in records] == 2 * ["this: segexp.train ended with status 1: no such network"]
    assert [record["ratio"] for record in records] == [None, None]
    rows = [{"part": "train", "case": TRAINING.name, "commits": "", **record} for record in records]
    lines = baseline.report(rows, BaselineSettings.of(compose("benchmark")["baseline"]), CPU).lines
    assert f"failed: train {TRAINING.name}: {records[0]['note']}" in lines


@pytest.mark.parametrize(
    ("train", "words"),
    [("import time; time.sleep(600)", "took over 1 s"), ("import os; os.kill(os.getpid(), 9)", "ended with status -9")],
)
def test_a_command_that_hangs_or_dies_leaves_no_process(
    version: Callable[..., Checkout], tmp_path: Path, train: str, words: str
) -> None:
    with pytest.raises(CommandFailedError, match=f"segexp.train {words}"):
        version("this", train, max_seconds=1).run("train", ["seed=1"], tmp_path)
    assert not [each for each in psutil.Process().children(recursive=True) if "segexp.train" in each.cmdline()]


def test_a_training_that_writes_no_row_is_reported(version: Callable[..., Checkout], tmp_path: Path) -> None:
    build = version("this", "print('nothing to do')")
    with pytest.raises(CommandFailedError, match=r"wrote no metrics\.jsonl within 60 s: nothing to do"):
        START.measure(build, tmp_path, 0)


def test_the_peak_is_that_of_the_command_and_not_of_who_starts_it(
    version: Callable[..., Checkout], tmp_path: Path
) -> None:
    """This process holds torch."""
    usage = version("this", "held = b'1' * 50_000_000").run("train", [], tmp_path)
    assert 50e6 < usage.peak_bytes < 100e6


def test_a_build_gets_its_own_overrides_after_all_others(version: Callable[..., Checkout], tmp_path: Path) -> None:
    build = version("this", "import sys; sys.exit(' '.join(sys.argv[1:]))")
    with pytest.raises(CommandFailedError, match="model=unet seed=1"):
        Checkout("this", build.folder, ("seed=1",), 60).run("train", ["model=unet"], tmp_path)


def test_a_folder_that_is_no_checkout_and_a_build_that_does_not_start_are_named(
    version: Callable[..., Checkout], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"baseline: {tmp_path} is not a checkout of segexp.*git worktree add"):
        Checkout("baseline", tmp_path, (), 60).check(tmp_path)
    broken = version("baseline", "import a_library_of_old_times")
    with pytest.raises(ValueError, match="does not start with .*No module named 'a_library_of_old_times'; correct"):
        broken.check(tmp_path)
    version("this", "print('fine')").check(tmp_path)


def settings(streets_root: Path, worktree: Path) -> BaselineSettings:
    values = compose("benchmark")["baseline"]
    tiny = ["model=gridnet", "model.streams=[4,8]", "model.num_columns_down=1", "model.num_columns_up=1"]
    scenes = [f"data.root={streets_root}", *(f"data.{each}" for each in ("num_train=6", "num_val=3"))]
    start = ["logger=none", *tiny, *scenes, "data.height=64", "data.width=128", "trainer.log_every_n_steps=1"]
    return BaselineSettings.of(
        {
            **values,
            "worktree": str(worktree),
            "streets_root": str(streets_root),
            "start": {"rounds": 1, "overrides": start},
            "train": {"rounds": 1, "cases": [{"overrides": tiny, "batch": 2, "size": [64, 128], "steps": 2}]},
            "predict": {**values["predict"], "rounds": 1, "options": [], "networks": [tiny], "size": [256, 512]},
        }
    )


@pytest.mark.slow
def test_the_project_is_compared_with_another_version(streets_root: Path, version: Callable[..., Checkout]) -> None:
    other = version("baseline", TRAIN.replace("RATE", "8"))
    records = list(baseline.measure(settings(streets_root, other.folder), CPU, []))
    assert [(record["part"], record["measure"]) for record in records] == [
        (case.part, measure) for case in (StartCase, TrainingCase, PredictionCase) for measure in case.measures
    ]
    assert [record["note"] for record in records] == [None] * len(records)
    assert all(
        record["baseline"] > 0 and record["this"] > 0 for record in records if " above " not in record["measure"]
    )
    assert all(set(baseline.KEY) <= set(record) for record in records)


def test_overrides_that_a_build_does_not_have_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    this = Checkout("this", Path(segexp.__file__).parents[1], ["sede=1"], 600)
    with pytest.raises(ValueError, match=r"this: .* does not start .*: no key 'sede'.*correct baseline\.overrides"):
        this.check(tmp_path)
