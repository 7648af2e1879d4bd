"""The demonstration learns: its floor is what the most frequent class everywhere would score."""

import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from segexp.metric import scores

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_make_demo_prints_its_pictures_and_finds_every_class() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}  # as a user has it
    answer = subprocess.run(["make", "demo"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    printed = [Path(line) for line in answer.stdout.splitlines() if re.fullmatch(r"/.*\.(png|json|npz)", line)]
    assert {path.name for path in printed} >= {"sheet.png", "learning_curves.png", "metrics.json"}
    assert all(path.is_file() for path in printed)
    folder = next(path for path in printed if path.name == "metrics.json").parent
    confusion = np.load(folder / "confusion.npz")["confusions"].sum(0)
    miou = json.loads((folder / "metrics.json").read_text())["metrics"]["miou"]
    assert miou > 10 * scores.majority_class_miou(confusion)
    assert scores.class_iou(confusion).min() > 0.1
