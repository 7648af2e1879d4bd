"""The entry points as a user types them, mistakes included."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.run import RunFolder


def segexp(*arguments: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "100", **environment}
    command = [sys.executable, "-m", f"segexp.{arguments[0]}", *arguments[1:]]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder or root, env=env, timeout=300)


@pytest.mark.parametrize("entry", ["train", "evaluate", "check"])
def test_help_shows_usage_and_options(entry: str) -> None:
    answer = segexp(entry, "--help")
    assert answer.returncode == 0
    assert answer.stdout.startswith(f"python -m segexp.{entry} ")


@pytest.mark.parametrize(
    ("typed", "answered"),
    [
        (["hydra.run.dir=ignored", "modle=unet"], "no key 'modle'.*did you mean model?"),
        (["model=unte"], "Could not find 'model/unte'"),
        (["data.bacth_size=3"], "no key 'data.bacth_size'; data has: .*did you mean data.batch_size?"),
        (["data=camvid"], "no value for data.root; add data.root=... to the command"),
        (["data=camvid", "data.root=/nowhere", "classes=camvid11"], "no folder /nowhere; set data.root to the folder"),
        (["data.batch_size=many"], "data.batch_size is 'many'; needed is a whole number"),
        (["+model.depth=3"], "unexpected keyword argument 'depth'"),
    ],
)
def test_a_mistake_is_answered_in_one_message_with_the_cure(typed: list[str], answered: str, tmp_path: Path) -> None:
    answer = segexp("train", *typed, "logger=none", f"hydra.run.dir={tmp_path / 'run'}")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert answer.stderr.startswith("segexp.train: ")
    assert all(part in answer.stderr for part in answered.split(".*"))


def test_train_and_evaluate_from_any_folder(small, tmp_path: Path) -> None:
    run = tmp_path / "run"
    answer = segexp("train", *small(), f"hydra.run.dir={run}", folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert f"next        python -m segexp.evaluate run={run}" in answer.stdout
    answer = segexp("evaluate", f"run={run}", "predictions=true", folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "most frequent class everywhere" in answer.stdout
    assert len(list((run / "evaluation/val/predictions").glob("*.png"))) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["run"]  # nothing written anywhere else


def test_a_run_that_failed_says_why_in_its_folder(small, tmp_path: Path) -> None:
    answer = segexp("train", *small("data.image_size=[10,10]"), f"hydra.run.dir={tmp_path / 'run'}")
    assert answer.returncode == 1
    assert "data.image_size is [10, 10]" in RunFolder(tmp_path / "run").status()["reason"]


def test_evaluate_of_no_run_says_so(tmp_path: Path) -> None:
    answer = segexp("evaluate", f"run={tmp_path / 'none'}")
    assert answer.returncode == 1
    assert "no run folder" in answer.stderr


def test_check_names_every_broken_file_and_draws_the_shares(tmp_path: Path) -> None:
    root = tmp_path / "camvid"
    generator = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in "abcde":
            (root / split).mkdir(parents=True, exist_ok=True)
            (root / f"{split}annot").mkdir(exist_ok=True)
            Image.new("RGB", (40, 40)).save(root / split / f"{name}.png")
            Image.fromarray(generator.integers(0, 12, (40, 40), np.uint8)).save(root / f"{split}annot/{name}.png")
    (root / "train/a.png").write_bytes((root / "train/a.png").read_bytes()[:60])
    (root / "trainannot/b.png").unlink()
    Image.new("L", (30, 40)).save(root / "trainannot/c.png")
    Image.new("L", (40, 40), 99).save(root / "valannot/d.png")
    picture = tmp_path / "shares.png"
    answer = segexp("check", "data=camvid", f"data.root={root}", "classes=camvid11", f"picture={picture}")
    said = " ".join(answer.stdout.split())
    assert answer.returncode == 1
    assert "train: 4 scenes, 3 problems" in said
    for problem in ("train/a.png cannot be decoded", "train/b.png has no mask", "c.png has 40 rows", "the ids [99]"):
        assert problem in said
    assert picture.is_file()


def test_options_outside_the_repository_train_evaluate_and_resume(small, tmp_path: Path) -> None:
    (tmp_path / "conf/model").mkdir(parents=True)
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "from segexp.model.segmenter import Segmenter\n"
        "def tiny(num_classes, width):\n"
        "    layers = nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, num_classes, 1)\n"
        "    return Segmenter(nn.Sequential(*layers), stride=1)\n"
    )
    (tmp_path / "conf/model/mine.yaml").write_text("# mine\n_target_: mine.tiny\nwidth: 4\n")
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}
    mine, run = ["--config-dir", str(tmp_path / "conf")], tmp_path / "run"
    overrides = [each for each in small("model=mine") if not each.startswith("model.")]
    answer = segexp("train", *mine, *overrides, f"hydra.run.dir={run}", **environment)
    assert answer.returncode == 0, answer.stderr
    assert f"--config-dir {tmp_path / 'conf'}" in answer.stdout
    assert segexp("evaluate", *mine, f"run={run}", **environment).returncode == 0
    answer = segexp("train", *mine, f"resume={run}", "trainer.max_epochs=2", **environment)
    assert answer.returncode == 0, answer.stderr
    refused = segexp("evaluate", f"run={run}", **environment)
    assert refused.returncode == 1
    assert "name the folder of your options by --config-dir" in refused.stderr


@pytest.mark.parametrize(
    ("number", "code", "state"), [(signal.SIGTERM, 143, "preempted"), (signal.SIGINT, 130, "failed")]
)
def test_a_signal_ends_a_training_with_its_code_and_state(small, tmp_path: Path, number, code: int, state: str) -> None:
    run = RunFolder(tmp_path / "run")
    overrides = small("trainer.max_epochs=1000", "callbacks.early_stopping.patience=1000")
    command = [sys.executable, "-m", "segexp.train", *overrides, f"hydra.run.dir={run.path}"]
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # shells start background jobs deaf to it
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], preexec_fn=listen)
    try:
        deadline = time.monotonic() + 120
        while not run.history() and time.monotonic() < deadline:
            time.sleep(0.2)
        process.send_signal(number)
        assert process.wait(60) == code
    finally:
        process.kill()
        process.wait()
    assert run.state() == state
