"""Exports of the shared trained run, made once."""

import shutil
from pathlib import Path

from segexp.export.bundle import Wish, export
from segexp.export.folder import staged
from segexp.export.names import NAMES
from segexp.run.folder import RunFolder


def exported(run: RunFolder, folder: Path, overwrite: bool = False, **wished) -> Path:
    """As the command does it."""
    with staged(folder, NAMES, overwrite) as partial:
        export(run, Wish("outputs/run", **wished), partial)
    return folder


def copied(run: RunFolder, folder: Path) -> RunFolder:
    """A run that a test may change, never evaluated nor exported."""
    copy = RunFolder.open(shutil.copytree(run.path, folder / "run"))
    for name in ("evaluation", "export"):
        shutil.rmtree(copy.path / name, ignore_errors=True)
    return copy
