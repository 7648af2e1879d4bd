"""The command as users type it, its inputs, and its outputs."""

import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

from segexp import build
from segexp.config.compose import compose
from segexp.data.cityscapes import CITYSCAPES, Cityscapes
from segexp.predict.outputs import Outputs
from segexp.run.folder import RunFolder
from tests.e2e.test_commands import segexp


def val_pairs(run: RunFolder):
    root = next(Path(run.config["data"]["root"]).glob("64x128_*_v*[0-9]"))
    return Cityscapes(str(root)).pairs("val")


def run_predict(run: RunFolder, *overrides: str) -> subprocess.CompletedProcess[str]:
    return segexp("predict", f"run={run.path}", "checkpoint=last", "device=cpu", *overrides)


def mask(path: Path) -> np.ndarray:
    return np.array(Image.open(path))


def make_outputs(folder: Path, masks: str = "class_ids") -> Outputs:
    grouping = build.grouping(compose("train", ["classes=cityscapes19"]))
    return Outputs(folder, grouping, CITYSCAPES, masks, True, 0.5, False, False)
