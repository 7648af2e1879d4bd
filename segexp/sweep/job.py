"""One job of a sweep: a plain command, and a run folder of its own."""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from segexp.config.grammar import quote

LONGEST_NAME = 100


@dataclass(frozen=True)
class Job:
    """A training of a sweep.

    number: its place in the sweep, from 0. variant: the overrides that set it apart from the other jobs, as typed.
    folder: its run folder. arguments: what segexp.train is given, without the run folder.
    """

    number: int
    variant: str
    folder: Path
    arguments: tuple[str, ...]

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "segexp.train", *self.arguments, f"hydra.run.dir={quote(str(self.folder))}"]

    @property
    def log(self) -> Path:
        """The file with all output of the training; each attempt is appended to the one before."""
        return self.folder / "job.log"

    def last_line(self) -> str:
        """The last line of the log that is neither blank nor a command; an empty text if there is none."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.is_file() else []
        messages = (line.strip() for line in reversed(lines) if line.strip() and not line.startswith("$ "))
        return next(messages, "")


@dataclass(frozen=True)
class Resources:
    """The hardware that a job asks for. devices: number on each node; None for all that the node has."""

    accelerator: str
    devices: int | None
    num_nodes: int


def folder_name(number: int, overrides: Iterable[str]) -> str:
    """A readable name of limited length, safe to type after `run=` and in a shell: 3_loss-lovasz_seed-0."""
    words = (re.sub(r"=?[^\w.=-]+|=", "-", override, flags=re.ASCII).strip("-") for override in overrides)
    return "_".join([str(number), *words])[:LONGEST_NAME].rstrip("-_.")
