"""Errors that say there is no memory left."""

import errno

WORDS = ("out of memory", "allocate memory", "bad_alloc")
"""Of torch on GPUs and on CPUs, and of libraries in C++, such as ONNX Runtime."""


def is_out_of_memory(error: Exception) -> bool:
    """Most such errors are told from others by their text alone, but where that names files."""
    if isinstance(error, OSError | ValueError):
        return getattr(error, "errno", None) == errno.ENOMEM
    return isinstance(error, MemoryError) or any(words in str(error) for words in WORDS)
