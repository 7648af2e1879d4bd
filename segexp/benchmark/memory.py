"""Memory of this process: what it holds, the most it held, and a limit that ends it before the machine suffers."""

import math
import resource
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

from segexp.system.memory import free_bytes, return_freed_memory

SHARE = 0.8
"""Of the memory that is free: what one case may take. The rest is for whatever else the machine does meanwhile."""


def peak_bytes(work: Callable[[], object], device: torch.device) -> float:
    """Most memory held during the work beyond what was held before; NaN on a CPU whose system does not tell.

    On a GPU torch's own count. On the CPU the growth of the process (Linux: VmHWM over VmRSS), of all its threads.
    """
    try:
        forget_peak(device)
        before = held_bytes(device)
        work()
        return most_bytes(device) - before
    except OSError:
        return math.nan


def forget_peak(device: torch.device) -> None:
    """Let `most_bytes` count from here. Raises OSError where the system cannot."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    return_freed_memory()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far (man 5 proc)


def held_bytes(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else _status_bytes("VmRSS")


def most_bytes(device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _status_bytes("VmHWM")


def limit_to_free_memory() -> None:
    """Fail to allocate, with an error of our own, before the machine swaps or its kernel ends somebody else's process.

    Does nothing where the system does not tell what is free.
    """
    with suppress(OSError):
        most = _status_bytes("VmData") + int(SHARE * free_bytes())
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        Path("/proc/self/oom_score_adj").write_text("1000")  # if others grow meanwhile, this one goes first


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))
