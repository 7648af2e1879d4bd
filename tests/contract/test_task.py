"""What every file of conf/task promises: it trains, validates, is scored, and goes on as if it had not been stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest

from segexp.config.compose import compose
from segexp.run.folder import RunFolder
from segexp.train.assemble import assemble
from segexp.types import Values
from tests.options import folders, options
from tests.training import assert_goes_on, start

Compose = Callable[..., Values]


@pytest.fixture(params=options("task"))
def values(request: pytest.FixtureRequest, small: Callable[..., list[str]]) -> Values:
    return compose("train", small(f"task={request.param}"), folders()[1:])


@pytest.mark.fast
def test_a_training_step_gives_one_finite_loss_and_a_gradient_to_every_weight(values: Values, tmp_path: Path) -> None:
    training = assemble(values, tmp_path)
    batch = next(iter(training.data.train_dataloader()))
    training.task.log = training.task.log_dict = lambda *_, **__: None
    loss = training.task.training_step(batch, 0)
    assert loss.ndim == 0
    assert loss.isfinite()
    loss.backward()
    assert all(each.grad is not None for each in training.model.parameters() if each.requires_grad)


def test_every_epoch_is_scored_for_the_checkpoint_and_the_comparison(values: Values, tmp_path: Path) -> None:
    start(values, tmp_path / "run")
    run = RunFolder.open(tmp_path / "run")
    logged = {name for row in run.history() for name in row}
    assert {"train/loss", "train/miou", "val/loss", "val/miou"} <= logged
    assert run.checkpoint("best").is_file()


@pytest.mark.slow
def test_a_run_goes_on_with_the_weights_that_it_would_have_had(values: Values, tmp_path: Path) -> None:
    assert_goes_on(values, tmp_path)
