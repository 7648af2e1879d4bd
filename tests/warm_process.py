"""Commands of segexp in processes of their own that begin with its libraries loaded: half of a short command's time.

Each is a fork of a server that multiprocessing keeps for a test session, with its own environment, folder and output. A
test of start-up itself, or one that kills a training with workers, starts a new Python instead.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.process import PATIENCE

ROOT = Path(__file__).parents[1]
LIBRARIES = [
    *("segexp", "pytorch_lightning", "segmentation_models_pytorch", "torchvision.transforms.v2", "scipy.stats"),
    "tests.first_composition",
]
"""What takes seconds to load, and reads no environment that a command may change."""

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(LIBRARIES)


class ForkedModule:
    """`python -m module arguments` in this folder, with this environment and nothing of ours; else as Popen has it.

    output, errors: the files that it writes to.
    """

    def __init__(
        self, module: str, *arguments: str, place: Path, folder: Path = ROOT, environment: Mapping[str, str]
    ) -> None:
        self.args = [module, *arguments]
        self.output, self.errors = place / "stdout", place / "stderr"
        command = (module, arguments, folder, dict(environment), self.output, self.errors)
        self._process = FORKS.Process(target=_run, args=command)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def run_module(
    module: str, *arguments: str, folder: Path = ROOT, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `python -m module arguments` answers in this folder, with this environment and nothing of ours."""
    with tempfile.TemporaryDirectory() as place:
        process = ForkedModule(module, *arguments, place=Path(place), folder=folder, environment=environment)
        try:
            status = process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()
        return subprocess.CompletedProcess(process.args, status, process.output.read_text(), process.errors.read_text())


def _run(
    module: str, arguments: tuple[str, ...], folder: Path, environment: dict[str, str], output: Path, errors: Path
) -> None:
    for path, descriptor in ((output, 1), (errors, 2)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # of the environment that was
    sys.path[:0] = ["", *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
