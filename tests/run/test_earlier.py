"""Configurations that earlier versions recorded, in the words of today."""

import pytest

from segexp.config.compose import compose
from segexp.run.earlier import in_words_of_today

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("name", ["wandb", "csv", "none"])
def test_the_one_logger_of_an_earlier_run_is_the_one_of_its_option_today(name: str) -> None:
    today = compose("train", [f"logger={name}"])
    earlier = {**today, "logger": today["logger"].get(name, {})}
    assert in_words_of_today(earlier) == today
    assert in_words_of_today(today) == today
