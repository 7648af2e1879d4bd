"""The command for pictures works when it is pasted into a shell."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from segexp.compare.report.provenance import picture_command
from segexp.run.folder import RunFolder
from tests.compare.report.runs import compare_folder
from tests.e2e.command import environment
from tests.warm_process import run_module


def run_command(*command: str) -> subprocess.CompletedProcess[str]:
    return run_module(*command, environment=environment())


@pytest.mark.slow
def test_the_command_for_pictures_is_taken_for_the_same_evaluation(
    trained: RunFolder, streets_root: Path, tmp_path: Path
) -> None:
    """The evaluation has unusual settings, its data was moved, and the names of its folders have to be quoted."""
    run = Path(shutil.copytree(trained.path, tmp_path / "one run=first/run"))
    shutil.rmtree(run / "evaluation", ignore_errors=True)
    data = Path(shutil.copytree(streets_root, tmp_path / "moved to"))
    (run / "config.yaml").write_text((run / "config.yaml").read_text().replace(str(streets_root), "/nowhere"))
    asked = ["metric.boundary.width=0.05", f"data.root='{data}'", "device=cpu", "num_scenes=0", "flip=true", "name=val"]
    first = run_command("segexp.evaluate", f"run='{run}'", *asked)
    assert first.returncode == 0, first.stderr
    again = run_command(*shlex.split(picture_command(compare_folder(run.parent, None)))[2:], "device=cpu")
    assert again.returncode == 0, again.stderr
    assert len(list((run / "evaluation/val/predictions").glob("*.png"))) == 3
