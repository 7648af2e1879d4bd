"""A data set of the user's own, as docs/extending.md has it, is used by every command without an edit of segexp."""

import base64
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp import build
from segexp.config.compose import compose
from segexp.data.pairs import Source
from segexp.data.reading import read_label_ids
from segexp.run.folder import RunFolder
from segexp.types import Bytes
from tests.e2e.command import environment
from tests.examples import write_example
from tests.serve.server_process import ROOT, running_server
from tests.warm_process import run_module

COLORS = np.array([(0, 0, 0), (128, 64, 128)], np.uint8)  # of the labels other and road, as in the masks
CLASS_COLORS = np.array([(70, 70, 70), (128, 64, 128)], np.uint8)  # of the classes of these labels
TRAIN_IDS = np.array([1, 0], np.uint8)
NUM_SCENES = {"train": 4, "val": 3}
SIZE = (64, 96)  # height width


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the user has: the files of the examples, and images with masks that are coded by colour."""
    write_example("A data set", tmp_path)
    write_example("A grouping", tmp_path)
    for split, count in NUM_SCENES.items():
        (tmp_path / "data" / split).mkdir(parents=True)
        for number in range(count):
            colors = COLORS[label_ids(split, number)]
            Image.fromarray(colors).save(tmp_path / f"data/{split}/{number}.jpg")
            Image.fromarray(colors).save(tmp_path / f"data/{split}/{number}.png")
    return tmp_path


def label_ids(split: str, number: int) -> Bytes:
    """The label ids that the masks of the data set show: blocks of 8x8 pixels."""
    coarse = np.random.default_rng([len(split), number]).integers(0, 2, (SIZE[0] // 8, SIZE[1] // 8))
    return coarse.repeat(8, 0).repeat(8, 1).astype(np.uint8)


def source_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return build.source(compose("train", ["data=mine", f"data.root={folder / 'data'}"], [folder / "my_conf"]))


def test_colours_are_read_as_label_ids(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(folder, monkeypatch)
    pairs = source.pairs("val")
    assert [pair.name for pair in pairs] == ["0", "1", "2"]
    for number, pair in enumerate(pairs):
        assert np.array_equal(read_label_ids(source, pair), label_ids("val", number))


def python_path(folder: Path) -> str:
    return os.pathsep.join([str(folder), str(ROOT)])


def segexp(name: str, folder: Path, *arguments: str, trusted: bool = True) -> subprocess.CompletedProcess[str]:
    """A command as the user types it in the folder; trusted: with --config-dir my_conf."""
    options = ["--config-dir", "my_conf"] if trusted else []
    env = environment(PYTHONPATH=python_path(folder), COLUMNS="200")
    return run_module(f"segexp.{name}", *options, *arguments, folder=folder, environment=env)


def said(answer: subprocess.CompletedProcess[str]) -> str:
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.mark.slow
def test_every_command_uses_it(folder: Path) -> None:
    data = ["data=mine", "classes=mine", f"data.root={folder / 'data'}"]
    checked = said(segexp("check", folder, *data))
    assert all(f"{split}: {count} scenes, 0 problems" in checked for split, count in NUM_SCENES.items())
    _train(folder, *data, "loss=cross_entropy")
    _train(folder, *data, "loss=weighted_cross_entropy")  # which counts the classes
    said(segexp("evaluate", folder, "run=runs/cross_entropy", "predictions=true", "num_processes=2"))
    said(segexp("evaluate", folder, "run=runs/weighted_cross_entropy", "predictions=true"))
    run = RunFolder(folder / "runs/cross_entropy")
    _assert_labels_are_counted(run)
    refused = segexp("evaluate", folder, f"run={run.path}", trusted=False)
    assert "if the option is yours, add --config-dir FOLDER" in refused.stderr
    said(segexp("compare", folder, "runs=runs/*", "output=report", trusted=False))
    _assert_the_report_shows_the_ground_truth((folder / "report/report.html").read_text())
    said(segexp("export", folder, f"run={run.path}", "output=exported", "quantise=int8"))
    served = ["--config-dir", str(folder / "my_conf"), f"run={run.path}"]
    with running_server(*served, PYTHONPATH=python_path(folder)) as server:
        truth = server.client.get("/api/images/1/truth.png").content
        assert np.array_equal(np.array(Image.open(io.BytesIO(truth))), TRAIN_IDS[label_ids("val", 1)])


def _train(folder: Path, *arguments: str) -> None:
    small = ["model.streams=[4,8]", "model.num_columns_down=1", "model.num_columns_up=1", "data.batch_size=2"]
    short = ["trainer.accelerator=cpu", "trainer.max_epochs=1", "trainer.enable_progress_bar=false", "logger=none"]
    cached = ["data.num_workers=1", "data.cache=disk", f"data.cache_root={folder / 'arrays'}"]
    run = f"hydra.run.dir=runs/{arguments[-1].partition('=')[2]}"
    said(segexp("train", folder, *small, *short, *cached, *arguments, run))


def _assert_labels_are_counted(run: RunFolder) -> None:
    with np.load(run.evaluation("val") / "confusion.npz") as stored:
        counted = stored["labels"].sum(2)
    expected = [np.bincount(label_ids("val", number).ravel(), minlength=2) for number in range(NUM_SCENES["val"])]
    assert np.array_equal(counted, expected)
    metrics = json.loads((run.evaluation("val") / "metrics.json").read_text())["metrics"]
    assert {"miou", "iou/road"} <= set(metrics)


def _assert_the_report_shows_the_ground_truth(html: str) -> None:
    """That the picture of each image's true classes is, enlarged, in the report."""
    pictures = [np.array(Image.open(io.BytesIO(base64.b64decode(each))).convert("RGB")) for each in
                re.findall(r"data:image/png;base64,([^\"]+)", html)]  # fmt: skip
    for number in range(NUM_SCENES["val"]):
        truth = Image.fromarray(CLASS_COLORS[label_ids("val", number)])
        assert any(np.array_equal(np.array(truth.resize(each.shape[1::-1], Image.Resampling.NEAREST)), each)
                   for each in pictures)  # fmt: skip
