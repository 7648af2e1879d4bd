"""Whatever the library, no memory is told from any other error."""

import errno
import os

import numpy as np
import pytest
import torch

from segexp.system.memory import is_out_of_memory

PETABYTES = 1 << 50


@pytest.mark.parametrize("take", [bytearray, torch.empty, lambda size: np.empty(size, np.uint8)])
def test_an_allocation_that_fails_is_out_of_memory(take) -> None:
    with pytest.raises((MemoryError, RuntimeError)) as raised:
        take(PETABYTES)
    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 1 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB, max allowed: 1 GB)"),
        Exception("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
    ],
)
def test_errors_of_gpus_of_libraries_and_of_the_system_are_out_of_memory(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("Expected a contiguous memory format"),
        FileNotFoundError(errno.ENOENT, "No such file", "out of memory.png"),
        ValueError("out of memory.png: not a readable image"),
    ],
)
def test_errors_that_only_speak_of_memory_are_others(error: Exception) -> None:
    assert not is_out_of_memory(error)
