"""The benchmark of losses measures every option beside the alternatives, and counts memory truly."""

from functools import partial
from multiprocessing.connection import Connection
from threading import Thread

import pytest
import torch

from segexp.benchmark.losses import REFERENCE, measure, references, sample_batch
from segexp.benchmark.memory import peak_bytes
from segexp.benchmark.settings import LossesSettings
from segexp.benchmark.timing import median_seconds
from segexp.config.compose import config_folder
from segexp.types import VOID
from tests.process import said_by

CPU = torch.device("cpu")


@pytest.mark.slow
def test_every_option_and_every_alternative_is_measured() -> None:
    settings = LossesSettings(shapes=[(1, 3, 8, 8)], scales=[1.0], options=None, rounds=1)
    records = measure(settings, CPU, [])
    options = {path.stem for path in (config_folder() / "loss").glob("*.yaml")}
    assert {record["loss"] for record in records} == options | set(references())
    reference = next(record for record in records if record["loss"] == REFERENCE)
    assert reference["ratio"] == 1
    assert all(record["milliseconds"] > 0 for record in records)


def test_the_batch_is_mostly_right_and_partly_void() -> None:
    logits, target = sample_batch((2, 5, 32, 32), 3.0, CPU)
    void = target == VOID
    correct = logits.argmax(1) == target
    assert 0.05 < void.float().mean() < 0.15
    assert 0.5 < correct[~void].float().mean() < 0.99


def _send_peaks(connection: Connection) -> None:
    tensors: list[torch.Tensor] = []
    one_block = peak_bytes(lambda: tensors.append(torch.ones(4000, 4000)), CPU)
    connection.send((one_block, peak_bytes(lambda: [torch.ones(4000, 4000).sum() for _ in range(3)], CPU)))


@pytest.mark.slow
def test_peak_memory_counts_only_memory_held_at_the_same_time() -> None:
    """In a process of its own: where much was freed before, the C library may keep each of the three blocks."""
    assert said_by(_send_peaks) == pytest.approx((64e6, 64e6), rel=0.1)


def test_peak_memory_counts_allocations_of_other_threads() -> None:
    def work() -> None:
        thread = Thread(target=lambda: torch.ones(4000, 4000))
        thread.start()
        thread.join()

    assert peak_bytes(work, CPU) == pytest.approx(64e6, rel=0.1)


def test_each_function_runs_once_a_round_and_once_before() -> None:
    calls: list[str] = []
    works = {name: partial(calls.append, name) for name in "ab"}
    seconds = median_seconds(works, 3, CPU, "")
    assert calls == ["a", "b"] * 4
    assert set(seconds) == {"a", "b"}
