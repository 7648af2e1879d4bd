"""Learning rate schedules, and the warm-up in front of them; tests/contract holds every option to its promises."""

import pytest
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from segexp import build
from segexp.config.compose import compose
from tests.rates import optimizer_at, rates_of

pytestmark = pytest.mark.fast


def rates(option: str, num_steps: int, *further: str) -> list[float]:
    """The learning rate of each step of a training, and after the last; that of the optimizer is 1."""
    optimizer = optimizer_at(1.0)
    scheduler = build.scheduler(compose("train", [f"scheduler={option}", *further]))(optimizer, num_steps)
    return rates_of(optimizer, scheduler, num_steps)


@pytest.mark.parametrize(("name", "last"), [("constant", 1.0), ("poly", 0.0), ("cosine", 0.0), ("inverse_time", 2 / 3)])
def test_schedules_end_where_their_formula_says(name: str, last: float) -> None:
    fast = ["scheduler.decay=0.05"] if name == "inverse_time" else []
    assert rates(name, 10, *fast)[-1] == pytest.approx(last)


@pytest.mark.parametrize("warmup", [0, 1])
def test_no_warmup_leaves_the_schedule_as_it_is(warmup: int) -> None:
    assert rates("poly", 10, f"warmup={warmup}") == rates("poly", 10)


def test_a_warmup_as_long_as_the_training_is_refused() -> None:
    with pytest.raises(ValueError, match="warmup is 10, and the training has 10 optimizer steps; allowed: fewer"):
        rates("poly", 10, "warmup=10")


def test_a_power_below_zero_is_refused_when_the_schedule_is_built() -> None:
    with pytest.raises(ValueError, match=r"scheduler.power is -1; allowed: a number of at least 0"):
        rates("poly", 10, "scheduler.power=-1")


def with_end(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    raise AssertionError("never called without the number of steps")


def test_a_schedule_that_does_not_ask_for_the_steps_it_needs_is_told_how() -> None:
    values = compose("train") | {"scheduler": {"_target_": f"{__name__}.with_end"}}
    with pytest.raises(ValueError, match=r"with_end.* total_steps: \$\{fact:total_steps\}"):
        build.scheduler(values)(optimizer_at(1.0), 10)
