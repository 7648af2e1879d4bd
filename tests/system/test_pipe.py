"""Output that somebody stops reading, as in `python -m segexp.train --help | head`."""

import subprocess
import sys

import pytest

from segexp.config.compose import config_folder
from segexp.system.pipe import BROKEN_PIPE

MUCH = "from segexp.system.pipe import quiet_without_reader; quiet_without_reader(lambda: {})"


def without_reader(*command: str) -> tuple[int, str]:
    """Exit status and errors of a command whose output is read by nobody."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    return process.returncode, said


@pytest.mark.parametrize("command", sorted(path.stem for path in config_folder().glob("*.yaml")))
def test_the_help_of_a_command_needs_no_reader(command: str) -> None:
    assert without_reader(sys.executable, "-m", f"segexp.{command}", "--help") == (BROKEN_PIPE, "")


def test_a_command_that_prints_on_ends_quietly() -> None:
    code = (
        "from segexp.config.command_line import entry_point; "
        "entry_point('compare')(lambda values: [print('line' * 999) for _ in range(999)])()"
    )
    assert without_reader(sys.executable, "-c", code, "runs=any") == (BROKEN_PIPE, "")


def test_an_error_is_said_although_nobody_reads_the_output() -> None:
    status, said = without_reader(sys.executable, "-m", "segexp.compare", "runs=/nowhere")
    assert (status, said.startswith("segexp.compare: no run folder")) == (1, True)


def test_another_broken_pipe_is_an_error_as_before() -> None:
    code = MUCH.format("(_ for _ in ()).throw(BrokenPipeError('of a worker'))")
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "BrokenPipeError: of a worker" in answer.stderr
