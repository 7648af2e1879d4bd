"""The benchmark of losses measures every option beside the alternatives, and counts memory truly."""

from functools import partial
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

import pytest
import torch

from segexp.benchmark.losses import REFERENCE, batch, measure, references
from segexp.benchmark.memory import peak_bytes
from segexp.benchmark.timing import median_seconds
from segexp.config.compose import compose, config_folder
from segexp.types import VOID
from tests.process import said_by

CPU = torch.device("cpu")


def test_every_option_and_every_alternative_is_measured() -> None:
    records = measure([[1, 3, 8, 8]], [1.0], None, CPU, rounds=1)
    options = {path.stem for path in (config_folder() / "loss").glob("*.yaml")}
    assert {record["loss"] for record in records} == options | set(references())
    reference = next(record for record in records if record["loss"] == REFERENCE)
    assert reference["ratio"] == 1
    assert all(record["milliseconds"] > 0 for record in records)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"options": "dice"}, r"losses.options is 'dice'; needed is a list: losses.options=\[dice\]"),
        ({"rounds": 0}, "losses.rounds is 0; needed is a whole number of at least 1"),
        ({"shapes": [1, 3, 32, 32]}, r"losses.shapes has 1; needed are lists of \[batch, classes, height, width\]"),
        ({"shapes": [[1, 3, 32]]}, r"losses.shapes has \[1, 3, 32\]"),
        ({"shapes": 3}, "losses.shapes is 3; needed is a list"),
        ({"scales": 1}, r"losses.scales is 1; needed is a list: losses.scales=\[1\]"),
        ({"shapes": []}, "losses.shapes is empty, which leaves nothing to measure; leave losses.shapes= out"),
        ({"scales": []}, "losses.scales is empty"),
        ({"scales": ["large"]}, "one of losses.scales is 'large'; needed is a number above 0"),
    ],
)
def test_a_setting_that_cannot_be_is_named(wrong: dict[str, Any], said: str) -> None:
    settings = compose("benchmark")["losses"]
    with pytest.raises(ValueError, match=said):
        measure(**(settings | wrong), device=CPU)


def test_the_batch_is_mostly_right_and_partly_void() -> None:
    logits, target = batch((2, 5, 32, 32), 3.0, CPU)
    void = target == VOID
    right = logits.argmax(1) == target
    assert 0.05 < void.float().mean() < 0.15
    assert 0.5 < right[~void].float().mean() < 0.99


def _tell_peaks(said: Connection) -> None:
    kept: list[torch.Tensor] = []
    at_once = peak_bytes(lambda: kept.append(torch.ones(4000, 4000)), CPU)
    said.send((at_once, peak_bytes(lambda: [torch.ones(4000, 4000).sum() for _ in range(3)], CPU)))


def test_peak_memory_counts_what_is_held_at_once() -> None:
    """In a process of its own: where much was freed before, the C library may keep each of the three blocks."""
    assert said_by(_tell_peaks) == pytest.approx((64e6, 64e6), rel=0.1)


def test_peak_memory_counts_what_other_threads_allocate() -> None:
    def work() -> None:
        thread = Thread(target=lambda: torch.ones(4000, 4000))
        thread.start()
        thread.join()

    assert peak_bytes(work, CPU) == pytest.approx(64e6, rel=0.1)


def test_each_work_runs_once_a_round_and_once_before() -> None:
    calls: list[str] = []
    works = {name: partial(calls.append, name) for name in "ab"}
    seconds = median_seconds(works, 3, CPU, "")
    assert calls == ["a", "b"] * 4
    assert set(seconds) == {"a", "b"}
