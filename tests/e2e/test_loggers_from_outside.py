"""A callback and a logger of the user's own, as docs/extending.md has them, beside those of segexp."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.run.folder import RunFolder
from tests.conftest import PICTURES
from tests.e2e.command import ROOT, environment
from tests.examples import write_example
from tests.warm_process import run_module


@pytest.mark.parametrize(
    ("section", "typed"),
    [
        ("A callback", ["callbacks=[default,gradient_norm]", "callbacks.gradient_norm.every_n_steps=1"]),
        pytest.param("A logger", ["logger=[csv,slides]", PICTURES], marks=pytest.mark.slow),
    ],
)
def test_it_is_used_beside_those_of_segexp(section: str, typed: list[str], tmp_path: Path, small) -> None:
    write_example(section, tmp_path)
    overrides = [each for each in small() if not (section == "A logger" and each.startswith("logger="))]
    train(tmp_path, "--config-dir", "my_conf", *overrides, *typed, "hydra.run.dir=run")
    run = RunFolder.open(tmp_path / "run")
    assert run.environment["choices"][typed[0].partition("=")[0]] == typed[0].partition("=")[2]
    if section == "A callback":
        assert sum("train/gradient_norm" in row for row in run.history()) == 3
        assert {"callbacks.gradient_norm", "callbacks.last"} <= set(run.environment["without_effect"])
    else:
        assert (run.path / "csv/metrics.csv").is_file()
        slide = np.asarray(Image.open(run.path / "slides/2_val_sheet.png"))
        assert np.array_equal(slide, np.asarray(Image.open(run.path / "pictures/validation.png").convert("RGB")))


def train(folder: Path, *arguments: str) -> None:
    env = environment(PYTHONPATH=os.pathsep.join([str(folder), str(ROOT)]))
    answer = run_module("segexp.train", *arguments, folder=folder, environment=env)
    assert answer.returncode == 0, answer.stderr
