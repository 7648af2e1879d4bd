"""What every file of conf/scheduler promises: a warm-up goes before it, and its state can be stored at any step."""

import pytest

from segexp import build
from segexp.config.compose import compose
from segexp.types import Values
from tests.options import folders, options
from tests.rates import optimizer_at, rates_of

pytestmark = pytest.mark.fast


@pytest.fixture(params=options("scheduler"))
def values(request: pytest.FixtureRequest) -> Values:
    return compose("train", [f"scheduler={request.param}"], folders()[1:])


def rates(values: Values, num_steps: int, warmup: float = 0) -> list[float]:
    """The learning rate of each step of a training, and after the last; that of the optimizer is 1."""
    optimizer = optimizer_at(1.0)
    return rates_of(optimizer, build.scheduler({**values, "warmup": warmup})(optimizer, num_steps), num_steps)


@pytest.mark.parametrize("warmup", [4, 0.2])
def test_a_warmup_rises_in_a_line_and_leaves_the_rest_of_the_steps_to_the_schedule(values: Values, warmup) -> None:
    rise = [0.25, 0.5, 0.75, 1.0]
    assert rates(values, 20, warmup) == pytest.approx([*rise, *rates(values, 16)])


def test_a_schedule_goes_on_where_its_stored_state_was(values: Values) -> None:
    make = build.scheduler({**values, "warmup": 3})
    undisturbed = rates_of(optimizer := optimizer_at(1.0), make(optimizer, 12), 12)
    for num_before in range(12):
        before = optimizer_at(1.0)
        scheduler = make(before, 12)
        rates_of(before, scheduler, num_before)
        after = optimizer_at(1.0)
        resumed = make(after, 12)
        after.load_state_dict(before.state_dict())
        resumed.load_state_dict(scheduler.state_dict())
        assert rates_of(after, resumed, 12 - num_before) == undisturbed[num_before:]


def test_no_rate_is_below_zero_or_not_finite(values: Values) -> None:
    assert all(0 <= rate < float("inf") for rate in rates(values, 20))
