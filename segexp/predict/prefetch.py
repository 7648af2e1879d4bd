"""Work of threads that runs ahead of its reader, or behind its writer, a bounded number of calls at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Result = TypeVar("Result")


def prefetch(pool: Executor, calls: Iterable[Callable[[], Result]], depth: int) -> Iterator[Result]:
    """Yield results in the order of the calls; at most `depth` calls are in the pool, or done and not yet yielded."""
    futures: deque[Future[Result]] = deque()
    try:
        for call in calls:
            futures.append(pool.submit(call))
            if len(futures) >= depth:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
    finally:
        for future in futures:
            future.cancel()


class BackgroundWriter:
    """Hands calls to a pool without waiting for them, unless `depth` of them are unfinished."""

    def __init__(self, pool: Executor, depth: int) -> None:
        self.pool = pool
        self.depth = depth
        self.futures: deque[Future] = deque()

    def submit(self, write: Callable[..., object], *arguments: object) -> None:
        """Raise what an earlier call raised."""
        if len(self.futures) >= self.depth:
            self.futures.popleft().result()
        self.futures.append(self.pool.submit(write, *arguments))

    def finish(self) -> None:
        """Wait for all calls, and raise what one of them raised."""
        while self.futures:
            self.futures.popleft().result()
