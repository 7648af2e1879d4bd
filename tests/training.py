"""Trainings in the process of a test, as `python -m segexp.train` runs them in one of their own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from segexp.train.__main__ import train
from segexp.train.plan import Request
from segexp.types import Values


def start(
    values: Values, folder: Path, choices: Mapping[str, str] | None = None, overrides: Sequence[str] = ()
) -> None:
    """As `python -m segexp.train <overrides> hydra.run.dir=<folder>`."""
    train(folder, Request(values, choices or {}, overrides))


def resume(folder: Path, overrides: Sequence[str] = ()) -> None:
    """As `python -m segexp.train resume=<folder> <overrides>`."""
    train(folder, Request({"resume": str(folder)}, {}, overrides))
