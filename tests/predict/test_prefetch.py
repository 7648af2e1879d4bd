"""Prefetching is bounded and keeps its order; a background writer raises what went wrong."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from segexp.predict.prefetch import BackgroundWriter, prefetch


def test_results_come_in_order_and_few_are_prefetched() -> None:
    started: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            started.append(number)
        return number

    with ThreadPoolExecutor(3) as pool:
        for seen, result in enumerate(prefetch(pool, (partial(work, number) for number in range(50)), depth=4)):
            assert result == seen
            assert len(started) <= seen + 4
    assert sorted(started) == list(range(50))


def test_what_a_call_raises_is_raised() -> None:
    with ThreadPoolExecutor(1) as pool:
        writer = BackgroundWriter(pool, depth=2)
        writer.submit(int, "no number")
        with pytest.raises(ValueError, match="no number"):
            writer.finish()


def test_a_writer_waits_when_too_much_is_unfinished() -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        writer = BackgroundWriter(pool, depth=1)
        writer.submit(gate.wait)
        threading.Timer(0.2, gate.set).start()
        writer.submit(int)
        assert gate.is_set()
        writer.finish()
