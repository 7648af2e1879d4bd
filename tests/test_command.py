"""`segexp COMMAND ...`: the same as `python -m segexp.COMMAND ...`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import segexp
from segexp.__main__ import main
from segexp.config.compose import config_folder

COMMANDS = sorted(path.parent.name for path in Path(segexp.__file__).parent.glob("*/__main__.py"))


def run(monkeypatch: pytest.MonkeyPatch, *words: str, line: str = "") -> None:
    monkeypatch.setattr(sys, "argv", ["segexp", *words])
    monkeypatch.setenv("COMP_LINE", line)
    main()


def test_every_command_is_listed_with_its_purpose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    run(monkeypatch)
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert [command for command, _ in lines] == COMMANDS
    assert all((config_folder() / f"{command}.yaml").is_file() for command in COMMANDS)


def test_the_version_is_that_of_the_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    run(monkeypatch, "--version")
    assert capsys.readouterr().out == f"segexp {segexp.__version__}\n"


def test_an_unknown_command_is_named_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"no command 'trian'; did you mean train\? allowed: .*"):
        run(monkeypatch, "trian")


@pytest.mark.parametrize("words", [["compare", "--help"], ["train", "seed=-1"]])
def test_it_answers_as_the_module_does(words: list[str], tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(segexp.__file__).parents[1])}
    command, *further = words
    answers = [
        subprocess.run([sys.executable, "-m", *each, *further], cwd=tmp_path, env=environment, capture_output=True)
        for each in (["segexp", command], [f"segexp.{command}"])
    ]
    assert (answers[0].returncode, answers[0].stdout, answers[0].stderr) == (
        (answers[1].returncode, answers[1].stdout, answers[1].stderr)
    )


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("segexp ev", " ".join(COMMANDS)),  # bash takes those that begin so
        ("segexp train model=gr", "model=gridnet"),
        ("segexp check data=cam", "data=camvid"),
        ("segexp trian model=gr", ""),
    ],
)
def test_a_shell_completes_commands_options_and_keys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, line: str, completed: str
) -> None:
    run(monkeypatch, "-sc", "query=bash", line=line)
    assert capsys.readouterr().out.strip() == completed


def test_the_script_for_bash_completes_segexp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    run(monkeypatch, "-sc", "install=bash")
    assert "-F hydra_bash_completion segexp\n" in capsys.readouterr().out
