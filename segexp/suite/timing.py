"""Time several things fairly: each once a round, in turn, so that whatever else the machine does hits all alike."""

import statistics
import time
from collections.abc import Callable, Mapping

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


def peak_bytes(work: Work, device: torch.device) -> int:
    """Most memory that torch holds during the work beyond what it held before.

    On the CPU what other threads allocate is not seen, so work that is shared out to threads shows too little.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    with torch.profiler.profile(profile_memory=True) as profile:
        work()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
