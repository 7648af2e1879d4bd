"""Time several functions fairly: each once a round, in turn, so that other load of the machine hits all alike."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch
from rich.progress import track

Work = Callable[[], object]


def median_seconds(works: Mapping[str, Work], rounds: int, device: torch.device, title: str) -> dict[str, float]:
    """Median over the rounds of the seconds that each function takes; a first round does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in track(range(rounds + 1), title, transient=True):
        for name, work in works.items():
            seconds[name].append(duration(work, device))
    return {name: statistics.median(all_rounds[1:]) for name, all_rounds in seconds.items()}


def duration(work: Work, device: torch.device) -> float:
    """Seconds until the function has returned and its work on a GPU is done."""
    start = _now(device)
    work()
    return _now(device) - start


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
