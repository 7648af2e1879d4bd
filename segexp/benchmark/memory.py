"""Memory of this process: what it holds, its peak, and a limit that ends it before the machine swaps."""

import math
import resource
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

from segexp.system.memory import free_bytes, return_freed_memory

SHARE_OF_FREE = 0.8
"""Share of the free memory that one case may take; the rest is for other processes of the machine."""


def peak_bytes(work: Callable[[], object], device: torch.device) -> float:
    """Peak memory during the work beyond what was held before; NaN on a CPU whose system does not report it.

    On a GPU it is torch's own count, on the CPU the growth of the process, all threads (Linux: VmHWM over VmRSS).
    """
    try:
        reset_peak(device)
        before = held_bytes(device)
        work()
        return max_held_bytes(device) - before
    except OSError:
        return math.nan


def reset_peak(device: torch.device) -> None:
    """Let `max_held_bytes` count from here. Raises OSError where the system cannot do so."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    return_freed_memory()
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak (man 5 proc)


def held_bytes(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else _status_bytes("VmRSS")


def max_held_bytes(device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _status_bytes("VmHWM")


def limit_to_free_memory() -> None:
    """Let allocations fail in this process before the machine swaps or its kernel ends another process.

    Does nothing where the system does not report its free memory.
    """
    with suppress(OSError):
        limit = _status_bytes("VmData") + int(SHARE_OF_FREE * free_bytes())
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory ends, the kernel kills this process first


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))
