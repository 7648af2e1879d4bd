"""Signals that ask a process to stop: SIGTERM, or SIGUSR1 if it may go on later."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 143
"""Exit status of a process that a signal ended: 128 + 15, as shells and schedulers know it."""
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + 2, as shells know it."""
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)

_received: signal.Signals | None = None
_was_raised = False


class Stopped(SystemExit):
    """Ends a process that a signal asked to stop, a training once its checkpoint is written. by: the signal."""

    def __init__(self, by: signal.Signals) -> None:
        super().__init__(TERMINATED)
        self.by = by


def received() -> signal.Signals | None:
    """The signal that asked this process to stop, None if none came."""
    return _received


def raises() -> bool:
    """Whether a signal would raise Stopped wherever the main thread is."""
    return signal.getsignal(signal.SIGTERM) is _stop_now


def was_raised() -> bool:
    """Whether a signal has raised Stopped in the body of `listening`."""
    return _was_raised


def postpone() -> None:
    """Let SIGUSR1 wait for `listening`: until then it would kill a process that still loads its libraries."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})


@contextmanager
def listening() -> Iterator[None]:
    """Let a signal raise Stopped wherever the body is, unless `listen_between_steps` was called."""
    global _received, _was_raised
    before = {number: signal.getsignal(number) for number in SIGNALS}
    _received, _was_raised = None, False
    _handle(dict.fromkeys(SIGNALS, _stop_now))
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})  # a signal that waits raises here
        yield
    finally:
        _handle(before)


def listen_between_steps() -> None:
    """Only note signals from here on, for a caller that looks at `received` where it can stop."""
    _handle(dict.fromkeys(SIGNALS, _note))


def _handle(handlers: dict[signal.Signals, Callable | int | None]) -> None:
    if threading.current_thread() is threading.main_thread():  # Python gives signals to no other
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _stop_now(number: int, frame: FrameType | None) -> None:
    global _was_raised
    _was_raised = True
    _handle(dict.fromkeys(SIGNALS, _note))
    raise Stopped(signal.Signals(number))


def _note(number: int, frame: FrameType | None) -> None:
    global _received
    _received = _received or signal.Signals(number)
