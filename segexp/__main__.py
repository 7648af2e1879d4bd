"""segexp COMMAND key=value ...: the same as python -m segexp.COMMAND key=value ..."""

import ast
import difflib
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import segexp

COMPLETION = 'for completion in bash: eval "$(segexp -sc install=bash)"'


def main() -> None:
    first, *words = sys.argv[1:] or ["--help"]
    if first in ("--help", "-h"):
        print(_usage())
    elif first == "--version":
        print(f"segexp {segexp.__version__}")
    elif first == "-sc":
        _complete(*words)
    elif first in _commands():
        os.execv(sys.executable, [sys.executable, "-m", f"segexp.{first}", *words])  # the process that -m would start
    else:
        _refuse(first)


def _commands() -> dict[str, str]:
    """Command -> what it does, in one line: that of its docstring behind the colon."""
    files = sorted(Path(segexp.__file__).parent.glob("*/__main__.py"))
    docstrings = {file.parent.name: ast.get_docstring(ast.parse(file.read_text())) or "" for file in files}
    return {command: docstring.partition(": ")[2] for command, docstring in docstrings.items()}


def _usage() -> str:
    commands = _commands()
    width = max(map(len, commands))
    lines = [f"  {command:{width}}  {purpose}" for command, purpose in commands.items()]
    heading = "segexp COMMAND key=value ...; segexp COMMAND --help lists the keys"
    return "\n".join([heading, "", *lines, "", COMPLETION])


def _refuse(word: str) -> NoReturn:
    commands = _commands()
    close = difflib.get_close_matches(word, commands, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    sys.exit(f"segexp: no command {word!r}; {hint}allowed: {', '.join(commands)}")


def _complete(*words: str) -> None:
    """Do what Hydra's own -sc does: print a shell's script, or, for that script, what may follow COMP_LINE."""
    program, *typed = os.environ.get("COMP_LINE", "").split(" ")
    is_command_complete = len(typed) > 1
    if is_command_complete:
        os.environ["COMP_LINE"] = " ".join([program, *typed[1:]])  # Hydra reads it
    if words[:1] and words[0].startswith("query=") and not is_command_complete:
        print(" ".join(_commands()))
    elif (command := typed[0] if is_command_complete else "train") in _commands():
        import_module(f"segexp.{command}.__main__").main()


if __name__ == "__main__":
    main()
