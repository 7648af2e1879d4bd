"""Clients that are too slow are shown the door: uvicorn itself waits without end for a request, or for its reader."""

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

CROWDED_SECONDS = 2
"""What a client may take while more than half of all connections are in use."""


class _Wait(NamedTuple):
    """owed: what we wait for in this cycle of uvicorn's, see `_owed`. since: when that was first seen."""

    cycle: Any
    owed: str | None
    since: float


@dataclass
class Doorkeeper:
    """Ends connections whose client keeps us waiting, by abort: such a client would not listen.

    connections: uvicorn's own set of its protocols. client_seconds: that a client may take to say what it wants, and to
    take the answer; `Uploads` sees to it for bodies, and says so, unless a crowd waits. max_unsent_bytes: of answers
    that are ready, for all clients together.
    """

    max_connections: int
    client_seconds: float
    max_unsent_bytes: int
    connections: set[Any] = field(default_factory=set)
    _waits: dict[Any, _Wait] = field(default_factory=dict)

    async def look(self) -> None:
        """To be called every second."""
        now = time.monotonic()
        self._waits = {each: self._waited(each, now) for each in self.connections}
        crowded = len(self.connections) > self.max_connections // 2
        patience = min(self.client_seconds, CROWDED_SECONDS) if crowded else self.client_seconds
        for each, wait in self._waits.items():
            is_ours = wait.owed is not None and (crowded or wait.owed != "body")
            if is_ours and now - wait.since > patience:
                each.transport.abort()

    def make_room(self, num_bytes: int) -> None:
        """Before an answer is handed over: end those who have kept theirs waiting longest, until it fits."""
        excess = sum(map(_unsent, self.connections)) + num_bytes - self.max_unsent_bytes
        if excess <= 0:
            return
        newest = _Wait(None, None, float("inf"))
        for each in sorted(self.connections, key=lambda each: self._waits.get(each, newest).since):
            if excess > 0 and _unsent(each):
                excess -= _unsent(each)
                each.transport.abort()

    def _waited(self, connection: Any, now: float) -> _Wait:
        found, before = _Wait(connection.cycle, _owed(connection), now), self._waits.get(connection)
        return before if before and found.owed and before[:2] == found[:2] else found


def _owed(connection: Any) -> str | None:
    """By the client: that it sends a head or a body, or takes an answer and goes; None: it waits for us."""
    cycle = connection.cycle
    if cycle is None:
        return "head"
    if cycle.response_complete:
        return "next"
    if cycle.response_started or connection.flow.write_paused:  # by an answer before this one
        return "answer"
    return "body" if cycle.more_body else None


def _unsent(connection: Any) -> int:
    return connection.transport.get_write_buffer_size()
