"""Run folders with all that a report can show, small."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from segexp.compare.verdict.comparison import Comparison, compare_variants
from segexp.compare.verdict.runs import read_runs
from segexp.run.folder import RunFolder
from segexp.system.files import write_atomic
from tests.compare.verdict.run_folders import write_history

CLASSES = {"road": [128, 64, 128], "car": [0, 0, 142], "sky": [70, 130, 180], "unicorn": [255, 0, 255]}
NUM_IMAGES = 12
HOSTILE = "<script>alert(1)</script> $x_1$ | `id` 日本"
SIZE = (24, 32)  # height width
SECTIONS = [
    "Verdict",
    "Learning curves",
    "Classes",
    "Other scores",
    "Confusion",
    "Images",
    "Settings",
    "Runs",
    "Commands",
]


def run(
    folder: Path,
    loss: str,
    seed: int,
    quality: float = 0.6,
    with_history: bool = True,
    classes: Mapping[str, list[int]] = CLASSES,
    **settings: Any,
) -> Path:
    """Write a finished run, evaluated on val with predictions, in which no pixel is of the last class.

    quality: share of pixels that are right. classes: name -> colour.
    """
    grouping = {name: {"labels": [name], "color": color} for name, color in classes.items()}
    new = RunFolder(folder)
    new.write_config({"seed": seed, "loss": {"_target_": loss, **settings}, "classes": {"classes": grouping}})
    choices = {"loss": loss, "data": "folder"}
    new.write_environment(
        {"choices": choices, "overrides": [f"loss={loss}", f"seed={seed}"], "git": {"commit": "0123456789abcdef"}}
    )
    new.write_status("finished")
    if with_history:
        write_history(folder, [quality * (1 - 0.5**epoch) + seed / 100 for epoch in range(1, 5)])
    _evaluate(folder, quality, seed, list(classes))
    return folder


def _evaluate(folder: Path, quality: float, seed: int, classes: list[str]) -> None:
    num_classes = len(classes)
    evaluation, data = folder / "evaluation/val", folder.parent / "data"
    names = [f"street_{number:02}" for number in range(NUM_IMAGES)]
    confusions = []
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        target = rng.integers(0, num_classes - 1, SIZE)
        rng = np.random.default_rng([number, seed, int(1000 * quality)])
        prediction = np.where(rng.random(SIZE) < quality, target, rng.integers(0, num_classes - 1, SIZE))
        counts = np.bincount((target * num_classes + prediction).ravel(), minlength=num_classes**2)
        confusions.append(counts.reshape(num_classes, num_classes))
        _save(data / f"{name}.png", rng.integers(0, 255, (*SIZE, 3)))
        _save(data / f"{name}_mask.png", target)
        _save(evaluation / "predictions" / f"{name}.png", prediction)
    arrays = {"images": [str(data / f"{n}.png") for n in names], "masks": [str(data / f"{n}_mask.png") for n in names]}
    content = io.BytesIO()
    np.savez_compressed(content, confusions=np.stack(confusions), names=names, classes=classes, **arrays)
    write_atomic(evaluation / "confusion.npz", content.getvalue())
    facts = {"checkpoint": "best", "label_ids": [*([n] for n in range(num_classes - 1)), [-1]]}
    facts["metrics"] = {"miou": 0.5, "ece": 0.1 + seed / 100, "iou/road": 0.5, "boundary_iou/road": 0.25}
    write_atomic(evaluation / "metrics.json", json.dumps(facts))


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def sweep(folder: Path, num_seeds: int = 3) -> Comparison:
    """A comparison of focal, which is the baseline; dice, which is better; and a variant with a hostile setting."""
    for seed in range(num_seeds):
        run(folder / f"focal{seed}", "focal", seed, 0.60)
        run(folder / f"dice{seed}", "dice", seed, 0.85)
        run(folder / f"hostile{seed}", HOSTILE, seed, 0.601, note=HOSTILE)
    return compare_folder(folder)


def compare_folder(folder: Path, baseline: str | None = "focal") -> Comparison:
    return compare_variants(read_runs(str(folder), "val"), "val", baseline)
