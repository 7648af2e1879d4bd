"""Work ahead is bounded and keeps its order; work behind raises what went wrong."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from segexp.predict.prefetch import Behind, ahead


def test_results_come_in_order_and_few_are_ahead() -> None:
    started: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            started.append(number)
        return number

    with ThreadPoolExecutor(3) as pool:
        for seen, result in enumerate(ahead(pool, (partial(work, number) for number in range(50)), depth=4)):
            assert result == seen
            assert len(started) <= seen + 4
    assert sorted(started) == list(range(50))


def test_what_a_piece_of_work_raises_is_raised() -> None:
    with ThreadPoolExecutor(1) as pool:
        behind = Behind(pool, depth=2)
        behind.submit(int, "no number")
        with pytest.raises(ValueError, match="no number"):
            behind.finish()


def test_work_behind_waits_when_too_much_is_unfinished() -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        behind = Behind(pool, depth=1)
        behind.submit(gate.wait)
        threading.Timer(0.2, gate.set).start()
        behind.submit(int)
        assert gate.is_set()
        behind.finish()
