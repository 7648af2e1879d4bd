"""Time several things fairly: each once a round, in turn, so that whatever else the machine does hits all alike."""

import ctypes
import math
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from rich.progress import track

Work = Callable[[], object]


def median_seconds(works: Mapping[str, Work], rounds: int, device: torch.device, title: str) -> dict[str, float]:
    """Median over the rounds of the seconds that each work takes, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in track(range(rounds + 1), title, transient=True):
        for name, work in works.items():
            start = _now(device)
            work()
            seconds[name].append(_now(device) - start)
    return {name: statistics.median(taken[1:]) for name, taken in seconds.items()}


def peak_bytes(work: Work, device: torch.device) -> float:
    """Most memory held during the work beyond what was held before; NaN on a CPU whose system does not tell.

    On a GPU torch's own count. On the CPU the growth of the process (Linux: VmHWM over VmRSS), of all its threads.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    try:
        _give_back_freed_memory()
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far (man 5 proc)
        before = _resident_bytes("VmRSS")
        work()
        return _resident_bytes("VmHWM") - before
    except OSError:
        return math.nan


def _give_back_freed_memory() -> None:
    """Else memory that the process freed but kept would be used again unseen."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        raise OSError("no malloc_trim on this system")
    trim(0)


def _resident_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
