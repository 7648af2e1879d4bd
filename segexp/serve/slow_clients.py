"""Ends connections of clients that are too slow; uvicorn itself waits without end for a request or for its reader."""

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

CROWDED_SECONDS = 2
"""How long a client may take while more than half of all connections are in use."""


class _Wait(NamedTuple):
    """cycle: uvicorn's, one a request. awaited: from the client, see `_awaited`. since: when that was first seen."""

    cycle: Any
    awaited: str | None
    since: float


@dataclass
class SlowClientReaper:
    """Aborts connections whose client keeps the server waiting; such a client would not read an error either.

    connections: uvicorn's own set of its protocols. client_seconds: how long a client may take to send its request, and
    to take the answer; `UploadReader` ends slow bodies with an error, unless connections are crowded.
    max_unsent_bytes: of answers that are ready, for all clients together.
    """

    max_connections: int
    client_seconds: float
    max_unsent_bytes: int
    connections: set[Any] = field(default_factory=set)
    _waits: dict[Any, _Wait] = field(default_factory=dict)

    async def end_slow_clients(self) -> None:
        """Abort the connections that have waited too long for their client; to be called every second."""
        now = time.monotonic()
        self._waits = {each: self._updated_wait(each, now) for each in self.connections}
        crowded = len(self.connections) > self.max_connections // 2
        patience = min(self.client_seconds, CROWDED_SECONDS) if crowded else self.client_seconds
        for each, wait in self._waits.items():
            is_ours = wait.awaited is not None and (crowded or wait.awaited != "body")
            if is_ours and now - wait.since > patience:
                each.transport.abort()

    def make_room(self, num_bytes: int) -> None:
        """Before an answer of this size is handed over, end the clients that take theirs slowest, until it fits."""
        excess = sum(map(_unsent_bytes, self.connections)) + num_bytes - self.max_unsent_bytes
        if excess <= 0:
            return
        newest = _Wait(None, None, float("inf"))
        for each in sorted(self.connections, key=lambda each: self._waits.get(each, newest).since):
            if excess > 0 and _unsent_bytes(each):
                excess -= _unsent_bytes(each)
                each.transport.abort()

    def _updated_wait(self, connection: Any, now: float) -> _Wait:
        wait, before = _Wait(connection.cycle, _awaited(connection), now), self._waits.get(connection)
        return before if before and wait.awaited and before[:2] == wait[:2] else wait


def _awaited(connection: Any) -> str | None:
    """Name the step that the server awaits from the client: a head, a body, taking an answer, or the next request.

    None where the client waits for the server.
    """
    cycle = connection.cycle
    if cycle is None:
        return "head"
    if cycle.response_complete:
        return "next"
    if cycle.response_started or connection.flow.write_paused:  # by an answer before this one
        return "answer"
    return "body" if cycle.more_body else None


def _unsent_bytes(connection: Any) -> int:
    return connection.transport.get_write_buffer_size()
