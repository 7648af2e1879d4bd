"""Work that threads do ahead of whoever needs it, a bounded number of pieces at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Result = TypeVar("Result")


def ahead(pool: Executor, calls: Iterable[Callable[[], Result]], depth: int) -> Iterator[Result]:
    """Results in the order of the calls; at most `depth` calls are with the pool, or done and not yet asked for."""
    waiting: deque[Future[Result]] = deque()
    try:
        for call in calls:
            waiting.append(pool.submit(call))
            if len(waiting) >= depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


class Behind:
    """Work that is handed to a pool and not waited for, unless `depth` pieces of it are unfinished."""

    def __init__(self, pool: Executor, depth: int) -> None:
        self.pool = pool
        self.depth = depth
        self.waiting: deque[Future] = deque()

    def submit(self, work: Callable[..., object], *arguments: object) -> None:
        """Raises what an earlier piece of work raised."""
        if len(self.waiting) >= self.depth:
            self.waiting.popleft().result()
        self.waiting.append(self.pool.submit(work, *arguments))

    def finish(self) -> None:
        while self.waiting:
            self.waiting.popleft().result()
