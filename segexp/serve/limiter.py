"""Limits how much is in progress at once; a request beyond the limit is refused, with the time to try again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from segexp.serve.errors import RequestError

LONGEST_WAIT = 60


class Limiter:
    """Keeps the sum of the amounts in use at or below a total; a single amount may exceed it if it is alone.

    unit: of the total and of each amount, for the error, e.g. "requests".
    """

    def __init__(self, total: int, unit: str) -> None:
        self.total = total
        self.unit = unit
        self.in_use = 0
        self._typical_seconds = 1.0

    def check(self, amount: int = 1) -> None:
        """Raise RequestError, 503 with Retry-After, if the amount does not fit now."""
        if self.in_use and self.in_use + amount > self.total:
            seconds = min(LONGEST_WAIT, max(1, ceil(self._typical_seconds)))
            message = f"busy: {self.in_use} of at most {self.total} {self.unit} in progress; try again in {seconds} s"
            raise RequestError(503, message, retry_after=str(seconds))

    @contextmanager
    def hold(self, amount: int = 1) -> Iterator[None]:
        """Keep the amount in use while the body runs. Raises RequestError as `check` does."""
        self.check(amount)
        self.in_use += amount
        started = time.monotonic()
        try:
            yield
        finally:
            self.in_use -= amount
            self._typical_seconds += 0.2 * (time.monotonic() - started - self._typical_seconds)
