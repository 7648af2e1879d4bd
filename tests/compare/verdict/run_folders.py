"""Run folders as a training and its evaluation leave them, as far as a comparison reads them."""

import functools
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from segexp.config.compose import compose
from segexp.system.files import write_atomic

CLASSES = ("road", "car", "sky")
Confusions = npt.NDArray[np.int64]


def finished_run(
    folder: Path, loss: dict[str, Any], seed: int, quality: float = 0.7, state: str = "finished", **facts: Any
) -> Path:
    """A finished run with few settings and images. quality: how much larger than the rest the diagonals are."""
    write_atomic(folder / "config.yaml", json.dumps({"seed": seed, "loss": loss, "optimizer": {"lr": 0.1}}))
    write_atomic(folder / "environment.json", json.dumps({"choices": {"loss": loss["_target_"], "model": "unet"}}))
    write_atomic(folder / "status.json", json.dumps({"state": state}))
    rng = np.random.default_rng([seed, int(1000 * quality)])
    confusions = rng.integers(1, 100, (12, 3, 3)) + np.eye(3, dtype=int) * int(1000 * quality)
    write_evaluation(folder, matrices(confusions, CLASSES), **facts)
    return folder


def full_run(folder: Path, loss: str, seed: int, npz: bytes | Path) -> Path:
    """A finished run with every setting, package and fact of a real run. npz: see `write_evaluation`."""
    write_atomic(folder / "config.yaml", settings().replace("SEED", str(seed)).replace("LOSS", loss))
    packages = {f"package-{number}": "1.2.3" for number in range(110)}
    environment = {"choices": {**CHOICES, "loss": loss}, "git": {"commit": "a" * 40}, "packages": packages}
    write_atomic(folder / "environment.json", json.dumps(environment))
    write_atomic(folder / "status.json", json.dumps({"state": "finished", "seconds": 1.0}))
    write_evaluation(folder, npz, num_images=500, image_size=[512, 1024], fingerprint="0fe9e8232001a9cc", data={})
    return folder


CHOICES = {"experiment": "camvid", "model": "unet", "optimizer": "adam", "data": "camvid", "classes": "camvid11"}


@functools.cache
def settings() -> str:
    """The 150 settings of a real training as YAML, with SEED and LOSS to be replaced."""
    composed = compose("train", ["experiment=camvid", "data.root=/data/camvid", "logger=none"])
    loss = {**composed["loss"], "_target_": "segexp.loss.LOSS"}
    return yaml.safe_dump({**composed, "seed": "SEED", "loss": loss}, sort_keys=False)


def write_evaluation(folder: Path, npz: bytes | Path, **facts: Any) -> None:
    """Write an evaluation. npz: what `matrices` returns, or a file of it, to which the run gets a hard link."""
    evaluation = folder / "evaluation/val"
    write_atomic(evaluation / "metrics.json", json.dumps({"checkpoint": "best", **facts}))
    if isinstance(npz, Path):
        os.link(npz, evaluation / "confusion.npz")
    else:
        write_atomic(evaluation / "confusion.npz", npz)


def write_history(folder: Path, mious: Sequence[float]) -> None:
    """Write metrics.jsonl of a training with this mIoU after each epoch."""
    rows = [{"step": 10 * n + 9, "val/miou": miou, "epoch": n} for n, miou in enumerate(mious)]
    write_atomic(folder / "metrics.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))


def matrices(confusions: Confusions, classes: Sequence[str]) -> bytes:
    """confusion.npz of an evaluation that counted nothing else."""
    return evaluation_file(confusions, classes)


def evaluation_file(confusions: Confusions, classes: Sequence[str], **counts: npt.NDArray) -> bytes:
    """confusion.npz as an evaluation writes it. counts: of further metrics, name -> [N, ...]."""
    content = io.BytesIO()
    names = [f"frankfurt_{number:06}_000294" for number in range(len(confusions))]
    np.savez_compressed(content, confusions=confusions, names=names, classes=list(classes), **counts)
    return content.getvalue()


def street_confusions(rng: np.random.Generator, num_images: int, num_classes: int, quality: float) -> Confusions:
    """Matrices of images with half a million pixels: every class has some, and most pixels are right."""
    pixels = rng.dirichlet(np.full(num_classes, 0.3), num_images)[..., None] * 500_000
    predicted = rng.dirichlet(np.full(num_classes, 0.1), (num_images, num_classes)) * (1 - quality)
    return (pixels * (predicted + quality * np.eye(num_classes))).astype(np.int64)
