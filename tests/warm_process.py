"""Commands of segexp in processes of their own that begin with its libraries loaded: half of a short command's time.

Each is a fork of a server that multiprocessing keeps for a test session, with its own environment, folder and output. A
test of start-up itself, or one that sends signals, starts a new Python instead.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.process import PATIENCE

ROOT = Path(__file__).parents[1]
LIBRARIES = ["segexp", "pytorch_lightning", "segmentation_models_pytorch", "torchvision.transforms.v2", "scipy.stats"]
"""What takes seconds to load, and reads no environment that a command may change."""

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(LIBRARIES)


def run_module(
    module: str, *arguments: str, folder: Path = ROOT, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `python -m module arguments` answers in this folder, with this environment and nothing of ours."""
    with tempfile.TemporaryDirectory() as place:
        streams = [Path(place, name) for name in ("stdout", "stderr")]
        command = (module, arguments, folder, dict(environment), *streams)
        process = FORKS.Process(target=_run, args=command)
        process.start()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([module, *arguments], PATIENCE)
        output, errors = (path.read_text() for path in streams)
    return subprocess.CompletedProcess([module, *arguments], process.exitcode, output, errors)


def _run(
    module: str, arguments: tuple[str, ...], folder: Path, environment: dict[str, str], output: Path, errors: Path
) -> None:
    for path, descriptor in ((output, 1), (errors, 2)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # of the environment that was
    sys.path[:0] = ["", *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
