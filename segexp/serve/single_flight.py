"""Answers that are computed once for everybody who asks at the same time, and kept for those who ask later."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass
class _Flight:
    task: "asyncio.Task[Any]"
    num_waiting: int = 0


class SingleFlightCache:
    """Keeps the values that were asked for last, max_bytes together, where num_bytes gives the size of each."""

    def __init__(self, max_bytes: int, num_bytes: Callable[[Any], int]) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = num_bytes
        self.cached_bytes = 0
        self._cached: OrderedDict[Hashable, Any] = OrderedDict()
        self._flights: dict[Hashable, _Flight] = {}

    async def get(self, key: Hashable, compute: Callable[[], Awaitable[Any]]) -> Any:
        """Return the cached value, or the result of the one computation that runs for this key.

        The computation is cancelled if nobody waits for it any more. Raises what it raises, which is not cached.
        """
        if key in self._cached:
            self._cached.move_to_end(key)
            return self._cached[key]
        if key not in self._flights:
            self._flights[key] = _Flight(asyncio.ensure_future(self._compute(key, compute)))
        flight = self._flights[key]
        flight.num_waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.num_waiting -= 1
            if not flight.num_waiting and not flight.task.done():
                self._flights.pop(key, None)
                flight.task.cancel()

    async def _compute(self, key: Hashable, compute: Callable[[], Awaitable[Any]]) -> Any:
        this_task = asyncio.current_task()
        try:
            value = await compute()
        finally:
            if (flight := self._flights.get(key)) and flight.task is this_task:
                del self._flights[key]
        self._store(key, value)
        return value

    def _store(self, key: Hashable, value: Any) -> None:
        if key in self._cached:  # computed twice, as the first was cancelled too late
            return
        self._cached[key] = value
        self.cached_bytes += self.num_bytes(value)
        while self.cached_bytes > self.max_bytes:
            _, oldest = self._cached.popitem(last=False)
            self.cached_bytes -= self.num_bytes(oldest)
