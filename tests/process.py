"""Processes of their own, for what a test must not do to its own: be limited, or be killed. Waiting for others."""

import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

PATIENCE = 300
"""Seconds that a test waits for what must happen, on a machine that does other things, too."""


@contextmanager
def talking(target: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    """The connection to target(*arguments, connection), whose process is killed when the body ends."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=target, args=(*arguments, there))
    process.start()
    there.close()  # so that an end without a word is seen as one: recv raises EOFError
    try:
        yield here
    finally:
        process.kill()
        process.join()
        here.close()


def said_by(target: Callable[..., None], *arguments: Any) -> Any:
    """The first thing that target(*arguments, connection) sends. Raises EOFError if it ends without a word."""
    with talking(target, *arguments) as connection:
        return connection.recv()


def until(is_so: Callable[[], object]) -> None:
    """Wait for something that must come true."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s"
        time.sleep(0.05)


def status_when_told_to_end(command: Sequence[str], *, reading: Path, **options: Any) -> int:
    """Of a command that gets SIGTERM while it reads this file, which is replaced by one that comes to no end."""
    reading.unlink()
    os.mkfifo(reading)
    process = subprocess.Popen(command, **options)
    with ExitStack() as ending:
        ending.callback(process.wait)
        ending.callback(process.kill)

        def is_read() -> bool:
            """By the command, which then waits for what we write."""
            with suppress(OSError):  # nobody reads it yet
                ending.callback(os.close, os.open(reading, os.O_WRONLY | os.O_NONBLOCK))
                return True
            return False

        until(lambda: process.poll() is not None or is_read())
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE)
