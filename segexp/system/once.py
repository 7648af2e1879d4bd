"""Warnings that a process gives once, although it comes across their reason several times."""

import functools
import logging

from segexp.system import ranks


@functools.cache
def warn_once(log: logging.Logger, message: str) -> None:
    """On the first rank only, as all would say the same."""
    if ranks.rank() == 0:
        log.warning("%s", message)
