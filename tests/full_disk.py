"""A disk that is full, as the process of a test sees it."""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

MOST_BYTES = 20_000


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process can grow beyond MOST_BYTES in the body: writing more fails with an OSError."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "dont_write_bytecode", True)  # Python 3.11 would leave torn .pyc of what is imported
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
