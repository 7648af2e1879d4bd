"""Clients that are too slow are shown the door: uvicorn itself waits without end for a request, or for its reader."""

import time
from dataclasses import dataclass, field
from typing import Any

CROWDED_SECONDS = 2
"""What a client may take while more than half of all connections are in use."""


@dataclass
class Doorkeeper:
    """Ends connections whose client keeps us waiting, by abort: such a client would not listen.

    connections: uvicorn's own set of its protocols. client_seconds: that a client may take to say what it wants, and to
    take the answer. max_unsent_bytes: of answers that are ready, for all clients together.
    """

    max_connections: int
    client_seconds: float
    max_unsent_bytes: int
    connections: set[Any] = field(default_factory=set)
    _since: dict[Any, tuple[Any, float]] = field(default_factory=dict)

    async def look(self) -> None:
        """To be called every second."""
        now = time.monotonic()
        self._since = {each: self._waited(each, now) for each in self.connections}
        crowded = len(self.connections) > self.max_connections // 2
        patience = min(self.client_seconds, CROWDED_SECONDS) if crowded else self.client_seconds
        for each, (turn, since) in self._since.items():
            if turn is not None and now - since > patience:
                each.transport.abort()

    def make_room(self, num_bytes: int) -> None:
        """Before an answer is handed over: end those who have kept theirs waiting longest, until it fits."""
        excess = sum(map(_unsent, self.connections)) + num_bytes - self.max_unsent_bytes
        if excess <= 0:
            return
        newest = float("inf")
        for each in sorted(self.connections, key=lambda each: self._since.get(each, (None, newest))[1]):
            if excess > 0 and _unsent(each):
                excess -= _unsent(each)
                each.transport.abort()

    def _waited(self, connection: Any, now: float) -> tuple[Any, float]:
        """What we wait for, None if the client waits for us; and since when."""
        cycle = connection.cycle
        if cycle is not None and not cycle.response_started:
            return None, now
        turn = (id(cycle), cycle is not None and cycle.response_complete)
        before = self._since.get(connection)
        return before if before and before[0] == turn else (turn, now)


def _unsent(connection: Any) -> int:
    return connection.transport.get_write_buffer_size()
