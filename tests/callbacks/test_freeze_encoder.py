"""What cannot be frozen is said before the training begins; that frozen weights stay: tests/e2e/test_training.py."""

from pathlib import Path

import pytest

from segexp import build
from segexp.callbacks.freeze_encoder import FreezeEncoder
from segexp.config.compose import compose

pytestmark = pytest.mark.fast


def test_a_random_encoder_is_not_frozen(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"would freeze random weights: .*set model.weights=imagenet or start_from=RUN, or leave"
    ):
        build.callbacks(compose("train", ["model=unet", "callbacks=finetune"]), tmp_path)


@pytest.mark.parametrize("typed", ["model.weights=imagenet", "model.weights=own.pth", "start_from=runs/before"])
def test_a_trained_encoder_is_frozen(tmp_path: Path, typed: str) -> None:
    values = compose("train", ["model=unet", "callbacks=freeze_encoder", typed])
    assert [type(each) for each in build.callbacks(values, tmp_path)] == [FreezeEncoder]


def test_a_run_from_before_its_origin_was_recorded_goes_on() -> None:
    assert FreezeEncoder(num_epochs=5).num_epochs == 5
