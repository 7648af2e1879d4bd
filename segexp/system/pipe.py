"""Standard output that is a pipe, as in `python -m segexp.compare ... | head`."""

import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress

BROKEN_PIPE = 141
"""Exit status of a process whose output nobody reads any more: 128 + 13, as shells know it."""


def has_reader() -> bool:
    """Whether somebody may still read the standard output; True where it is no file of the system."""
    with suppress(OSError, ValueError):
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    return True


def quiet_without_reader(command: Callable[[], None]) -> None:
    """Run a command; end it without a message once nobody reads its output, instead of with a traceback."""
    try:
        command()
        sys.stdout.flush()
    except BrokenPipeError:
        if has_reader():  # it was another pipe
            raise
        sys.exit(BROKEN_PIPE)
    finally:
        if not has_reader():  # Python itself flushes once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
