"""Trainings in the process of a test, as `python -m segexp.train` runs them in one of their own."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch

from segexp.run.checkpoint import model_weights
from segexp.train.__main__ import train
from segexp.train.plan import Request
from segexp.types import Values
from tests.options import config_dir, folders


def start(
    values: Values, folder: Path, choices: Mapping[str, str] | None = None, overrides: Sequence[str] = ()
) -> None:
    """As `python -m segexp.train <overrides> hydra.run.dir=<folder>`."""
    train(folder, Request(values, choices or {}, overrides))


def resume(folder: Path, overrides: Sequence[str] = ()) -> None:
    """As `python -m segexp.train resume=<folder> <overrides>`."""
    train(folder, Request({"resume": str(folder)}, {}, overrides))


def assert_goes_on(values: Values, folder: Path) -> None:
    """A training of two epochs that was resumed after the first ends with the weights of an undisturbed one.

    values: of a training of one epoch, with options of conf/ or of pytest's --config-dir.
    """
    further = folders()[1:]
    with config_dir(further[0]) if further else nullcontext():
        start({**values, "trainer": {**values["trainer"], "max_epochs": 2}}, folder / "undisturbed")
        start(values, folder / "resumed")
        resume(folder / "resumed", ["trainer.max_epochs=2"])
    ends = [model_weights(folder / name / "checkpoints/last.ckpt") for name in ("undisturbed", "resumed")]
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
