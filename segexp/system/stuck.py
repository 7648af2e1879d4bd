"""End a process by a signal where its main thread waits for something that never comes, such as another rank.

Python runs signal handlers in the main thread, between two of its instructions, so not while it waits in a library. A
thread is told of every signal at once, and ends the process where the main thread has made no step for long.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from segexp.system import signals
from segexp.system.ranks import rank

PATIENCE_SECONDS = 60.0
ANSWER_SECONDS = 5.0
"""How long a main thread that is not stuck may take to raise Stopped."""
END_OF_WATCH = b"\0"


class ForcedEnd(NamedTuple):
    """Why a process ends. by: the signal. reason: for a person. traceback: what the main thread waits for."""

    by: signal.Signals
    reason: str
    traceback: str


LastWords = Callable[[ForcedEnd], None]

_last_words: list[LastWords] = []
_last_step = 0.0
_patience_seconds = PATIENCE_SECONDS
_is_watching = False


def expect_step_within(seconds: float) -> None:
    """Note that the process makes progress; a signal that comes after so many seconds without any ends it."""
    global _last_step, _patience_seconds
    _last_step, _patience_seconds = time.monotonic(), seconds


@contextmanager
def last_words(say: LastWords) -> Iterator[None]:
    """Call `say` before the process is ended while the body runs; what was entered last comes first."""
    _last_words.append(say)
    try:
        yield
    finally:
        _last_words.remove(say)


@contextmanager
def watched() -> Iterator[None]:
    """Let a signal end the process while the body runs, if it comes too long after the last step."""
    global _is_watching
    if threading.current_thread() is not threading.main_thread():  # Python lets no other set up signals
        yield
        return
    expect_step_within(PATIENCE_SECONDS)
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    watch = threading.Thread(target=_watch, args=(ours,), daemon=True, name="stuck")
    watch.start()
    before, _is_watching = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False), True
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        _is_watching = False
        os.write(theirs, END_OF_WATCH)
        watch.join()
        os.close(theirs)
        os.close(ours)


def _watch(numbers: int) -> None:
    while (number := os.read(numbers, 1)) != END_OF_WATCH:
        is_late = time.monotonic() - _last_step > _patience_seconds
        if number[0] in signals.SIGNALS and is_late and not _is_answered():
            _end(signal.Signals(number[0]))


def _is_answered() -> bool:
    deadline = time.monotonic() + ANSWER_SECONDS
    while signals.raises() and time.monotonic() < deadline:
        time.sleep(0.1)
    return signals.was_raised()


def _end(by: signal.Signals) -> None:
    seconds = time.monotonic() - _last_step
    reason = (
        f"{by.name} found no step for {seconds:.0f} s, so the process was ended without saving; the traceback shows "
        "what it waited for; continue from its last checkpoint with resume="
    )
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    end = ForcedEnd(by, reason, "".join(traceback.format_stack(frame)))
    print(f"{end.traceback}{reason}", file=sys.stderr, flush=True)
    for say in reversed(_last_words):
        try:
            say(end)
        except Exception:
            traceback.print_exc()  # a full disk must not keep the process
    os._exit(signals.TERMINATED if rank() == 0 else 0)  # another status could end rank 0 before its last words


def _forget_in_child() -> None:
    if _is_watching:
        with suppress(ValueError):
            signal.set_wakeup_fd(-1)  # the child's signals are not the parent's


os.register_at_fork(after_in_child=_forget_in_child)
