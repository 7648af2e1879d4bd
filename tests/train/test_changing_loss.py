"""A loss that changes during a training does so before its end, or the training says that it does not."""

from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from segexp.train.resume import check_end_of_schedule
from segexp.train.settings import TrainSettings
from tests.training import start

CHANGING = "loss=cross_entropy_to_iou"


def val_losses(folder: Path) -> list[float]:
    return [row["val/loss"] for row in RunFolder.open(folder).history() if "val/loss" in row]


def test_by_default_the_second_loss_has_taken_over_at_the_end(compose_small, tmp_path: Path, caplog) -> None:
    start(compose_small(CHANGING, "trainer.max_epochs=3"), tmp_path)
    first, _, last = val_losses(tmp_path)
    assert first > 1.5  # cross-entropy
    assert last < 1  # soft IoU
    assert "is meant to change" not in caplog.text


@pytest.mark.parametrize(
    ("middle", "said"), [(570, "0.0 % at the end, after 1 epochs"), (-70, "changed by 99.5 % at the start")]
)
def test_a_change_that_the_training_never_comes_to_is_a_warning(
    compose_small, tmp_path: Path, caplog, middle: int, said: str
) -> None:
    start(compose_small(CHANGING, "loss.unit=epochs", f"loss.middle={middle}", "loss.width=13.33"), tmp_path)
    assert said in caplog.text
    assert "CrossEntropyToIoU" in caplog.text


def test_a_training_without_an_end_is_refused(compose_small) -> None:
    values = compose_small(CHANGING, "trainer.max_epochs=-1")
    with pytest.raises(ValueError, match="loss.unit=training depends on its end; .*loss.unit=epochs"):
        TrainSettings.of(values)
    TrainSettings.of(compose_small(CHANGING, "trainer.max_epochs=-1", "loss.unit=epochs", "loss.middle=5"))


def test_a_training_is_not_prolonged_beyond_the_end_that_its_loss_was_planned_for(
    compose_small, tmp_path: Path
) -> None:
    before, now = compose_small(CHANGING), compose_small(CHANGING, "trainer.max_epochs=2")
    with pytest.raises(ValueError, match="loss.unit=training ends at .* in this run and cannot be extended"):
        check_end_of_schedule(RunFolder(tmp_path), {}, before, now)
