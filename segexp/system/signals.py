"""A wish from outside that a training stops: SIGTERM, or SIGUSR1 where it may go on later."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 143
"""Exit status of a training that a signal ended: 128 + 15, as shells and schedulers know it."""
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + 2, as shells know it."""
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)

_asked: signal.Signals | None = None


class Stopped(SystemExit):
    """Ends a training that a signal asked to stop, once its checkpoint is written. by: the signal."""

    def __init__(self, by: signal.Signals) -> None:
        super().__init__(TERMINATED)
        self.by = by


def asked() -> signal.Signals | None:
    """The signal that asked this process to stop, if one did."""
    return _asked


def postpone() -> None:
    """Let SIGUSR1 wait until somebody listens: it would kill a process that still loads its libraries."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})


@contextmanager
def listening() -> Iterator[None]:
    """While the body runs a signal raises Stopped where it finds the process; see `listen_between_steps`."""
    global _asked
    before = {number: signal.getsignal(number) for number in SIGNALS}
    _asked = None
    _handle(dict.fromkeys(SIGNALS, _stop_now))
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})  # one that waits raises here
        yield
    finally:
        _handle(before)


def listen_between_steps() -> None:
    """From here on a signal is only noted: whoever knows a good moment to stop looks at `asked`."""
    _handle(dict.fromkeys(SIGNALS, _note))


def _handle(handlers: dict[signal.Signals, Callable | int | None]) -> None:
    if threading.current_thread() is threading.main_thread():  # Python gives signals to no other
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _stop_now(number: int, frame: FrameType | None) -> None:
    _handle(dict.fromkeys(SIGNALS, _note))
    raise Stopped(signal.Signals(number))


def _note(number: int, frame: FrameType | None) -> None:
    global _asked
    _asked = _asked or signal.Signals(number)
