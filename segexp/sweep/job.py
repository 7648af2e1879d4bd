"""One job of a sweep: a plain command, and a run folder of its own."""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from segexp.config.grammar import quoted

LONGEST_NAME = 100


@dataclass(frozen=True)
class Job:
    """number: in the sweep, from 0. variant: what sets it apart, as typed. arguments: of segexp.train but folder."""

    number: int
    variant: str
    folder: Path
    arguments: tuple[str, ...]

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "segexp.train", *self.arguments, f"hydra.run.dir={quoted(str(self.folder))}"]

    @property
    def log(self) -> Path:
        """What the training printed, each attempt below the one before."""
        return self.folder / "job.log"

    def last_line(self) -> str:
        """The last line of the log that says something; empty if there is none."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.is_file() else []
        said = (line.strip() for line in reversed(lines) if line.strip() and not line.startswith("$ "))
        return next(said, "")


@dataclass(frozen=True)
class Demand:
    """What a job asks of the machines. devices: on each node; None for all there are."""

    accelerator: str
    devices: int | None
    num_nodes: int


def folder_name(number: int, overrides: Iterable[str]) -> str:
    """Readable, of limited length, and safe to type after `run=` and in a shell: 3_loss-lovasz_seed-0."""
    words = (re.sub(r"=?[^\w.=-]+|=", "-", override, flags=re.ASCII).strip("-") for override in overrides)
    return "_".join([str(number), *words])[:LONGEST_NAME].rstrip("-_.")
