"""Trainings that log to W&B."""

import pytest

from tests.conftest import PICTURES


@pytest.fixture
def overrides(small) -> list[str]:
    return [each for each in small() if each != "logger=none"] + ["logger=wandb", PICTURES]
