"""What may be in work at once: who would exceed it is sent away and told when to come back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from segexp.serve.errors import RequestError

LONGEST_WAIT = 60


class Budget:
    """A sum that the parts in work never exceed, except one alone. total, and parts: in `unit`, e.g. "requests"."""

    def __init__(self, total: int, unit: str) -> None:
        self.total = total
        self.unit = unit
        self.taken = 0
        self._typical_seconds = 1.0

    def check(self, part: int = 1) -> None:
        """Raise RequestError, 503 with Retry-After, if a part does not fit now."""
        if self.taken and self.taken + part > self.total:
            seconds = min(LONGEST_WAIT, max(1, ceil(self._typical_seconds)))
            message = f"busy: {self.taken} of at most {self.total} {self.unit} in work; come back in {seconds} s"
            raise RequestError(503, message, retry_after=str(seconds))

    @contextmanager
    def take(self, part: int = 1) -> Iterator[None]:
        """Hold a part while the body runs."""
        self.check(part)
        self.taken += part
        started = time.monotonic()
        try:
            yield
        finally:
            self.taken -= part
            self._typical_seconds += 0.2 * (time.monotonic() - started - self._typical_seconds)
