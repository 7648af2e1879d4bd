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
            seconds[name].append(duration(work, device))
    return {name: statistics.median(taken[1:]) for name, taken in seconds.items()}


def duration(work: Work, device: torch.device) -> float:
    """Seconds until the work is done, on a GPU too."""
    start = _now(device)
    work()
    return _now(device) - start


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
