"""Learning rate schedules, and the warm-up in front of them; tests/contract holds every option to its promises."""

import pytest
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from segexp import build
from segexp.config.compose import compose
from segexp.scheduler import observe_scores
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


def test_a_plateau_lowers_the_rate_when_a_score_has_not_improved_for_long_enough() -> None:
    for mode, sign in (("max", 1.0), ("min", -1.0)):
        optimizer = optimizer_at(1.0)
        typed = ["scheduler=plateau", f"scheduler.mode={mode}", "scheduler.patience=1", "scheduler.factor=0.5"]
        scheduler = build.scheduler(compose("train", [*typed, "warmup=2"]))(optimizer, 100)
        seen = []
        for score in (0.1, 0.2, 0.2, 0.1, 0.3, float("nan"), 0.3):
            rates_of(optimizer, scheduler, 2)
            observe_scores(scheduler, {"val/miou": torch.tensor(sign * score)})
            seen.append(rates_of(optimizer, scheduler, 1)[-1])
        assert seen == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]


def test_a_plateau_of_a_score_that_nobody_logs_is_named() -> None:
    scheduler = build.scheduler(compose("train", ["scheduler=plateau", "scheduler.monitor=val/mIoU"]))
    with pytest.raises(ValueError, match=r"scheduler.monitor is 'val/mIoU', .*logged scores: val/miou"):
        observe_scores(scheduler(optimizer_at(1.0), 10), {"val/miou": 0.5})


@pytest.mark.parametrize("wrong", ["mode=best", "factor=1", "patience=-1"])
def test_a_value_that_no_plateau_can_have_is_named(wrong: str) -> None:
    key, _, value = wrong.partition("=")
    with pytest.raises(ValueError, match=rf"scheduler.{key} is '?{value}'?; allowed: "):
        rates("plateau", 10, f"scheduler.{wrong}")


ONE_CYCLE = ["scheduler._target_=torch.optim.lr_scheduler.OneCycleLR", "+scheduler.max_lr=2.0"]


def test_a_schedule_of_torch_is_named_by_its_path() -> None:
    steps = ["+scheduler.total_steps=${fact:total_steps}", "+scheduler.pct_start=0.5"]
    found = rates("constant", 10, *ONE_CYCLE, *steps)
    assert max(found) == found[4] == 2.0
    assert found[9] == pytest.approx(2.0 / 25e4)
    with pytest.raises(ValueError, match=r"total_steps.*; ask for it .*total_steps: \$\{fact:total_steps\}"):
        rates("constant", 10, *ONE_CYCLE)


def with_end(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    raise AssertionError("never called without the number of steps")


def test_a_schedule_that_does_not_ask_for_the_steps_it_needs_is_told_how() -> None:
    values = compose("train") | {"scheduler": {"_target_": f"{__name__}.with_end"}}
    with pytest.raises(ValueError, match=r"with_end.* total_steps: \$\{fact:total_steps\}"):
        build.scheduler(values)(optimizer_at(1.0), 10)
