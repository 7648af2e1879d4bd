"""Exports of runs, and copies of runs that a test may change."""

import shutil
from pathlib import Path

from segexp.config.compose import compose
from segexp.export.artifacts import ARTIFACTS
from segexp.export.bundle import export
from segexp.export.settings import ExportSettings
from segexp.export.staging import stage_export
from segexp.run.folder import RunFolder


def export_run(run: RunFolder, folder: Path, overwrite: bool = False, **changes) -> Path:
    """Export as the command does, typed with run=outputs/run and these changes."""
    settings = ExportSettings.of({**compose("export", ["run=outputs/run"], folders=[]), **changes})
    with stage_export(folder, ARTIFACTS, overwrite) as partial:
        export(run, settings, partial)
    return folder


def copy_run(run: RunFolder, folder: Path) -> RunFolder:
    """A run that a test may change, never evaluated nor exported."""
    copy = RunFolder.open(shutil.copytree(run.path, folder / "run"))
    for name in ("evaluation", "export"):
        shutil.rmtree(copy.path / name, ignore_errors=True)
    return copy
