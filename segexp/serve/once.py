"""Answers that are worked out once for everybody who asks at the same time, and kept for those who ask later."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass
class _Flight:
    task: "asyncio.Task[Any]"
    num_waiting: int = 0


class Once:
    """Keeps what was asked for last, max_bytes of it together, as its values weigh by `num_bytes`."""

    def __init__(self, max_bytes: int, num_bytes: Callable[[Any], int]) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = num_bytes
        self.kept_bytes = 0
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._flights: dict[Hashable, _Flight] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Any]]) -> Any:
        """What is kept, or comes of the one `make` that is under way for this key; given up if nobody waits any more.

        Raises what make raises; that is not kept.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._flights:
            self._flights[key] = _Flight(asyncio.ensure_future(self._made(key, make)))
        flight = self._flights[key]
        flight.num_waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.num_waiting -= 1
            if not flight.num_waiting and not flight.task.done():
                self._flights.pop(key, None)
                flight.task.cancel()

    async def _made(self, key: Hashable, make: Callable[[], Awaitable[Any]]) -> Any:
        mine = asyncio.current_task()
        try:
            value = await make()
        finally:
            if (flight := self._flights.get(key)) and flight.task is mine:
                del self._flights[key]
        self._keep(key, value)
        return value

    def _keep(self, key: Hashable, value: Any) -> None:
        if key in self._kept:  # made twice, as the first was given up too late
            return
        self._kept[key] = value
        self.kept_bytes += self.num_bytes(value)
        while self.kept_bytes > self.max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self.kept_bytes -= self.num_bytes(oldest)
