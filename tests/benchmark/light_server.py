"""Commands of segexp in forks of a process that has composed a configuration and loaded nothing heavy.

A line of JSON [folder, name, argument, ...] is answered by one of what `python -m segexp.<name> arguments` has loaded
when it ends in that folder, and what it says on stderr: [[module, ...], text].
"""

import json
import os
import runpy
import sys
import tempfile
import traceback
from typing import IO

from segexp.config.compose import compose


def run(folder: str, name: str, arguments: list[str], loaded: IO[str], said: IO[str]) -> None:
    """Run the command in this process, which is to end then."""
    os.dup2(said.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.chdir(folder)
    sys.argv = [name, *arguments]
    try:
        runpy.run_module(f"segexp.{name}", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    json.dump(sorted(sys.modules), loaded)
    loaded.flush()
    os._exit(0)


def answer(folder: str, name: str, *arguments: str) -> list[object]:
    with tempfile.TemporaryFile("w+") as loaded, tempfile.TemporaryFile("w+") as said:
        child = os.fork()
        if not child:
            run(folder, name, [*arguments], loaded, said)
        os.waitpid(child, 0)
        loaded.seek(0)
        said.seek(0)
        return [json.load(loaded), said.read()]


if __name__ == "__main__":
    compose("train")
    for line in sys.stdin:
        print(json.dumps(answer(*json.loads(line))), flush=True)
