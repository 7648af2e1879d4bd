"""What every file of conf/callbacks promises: a training runs with it, and goes on as if it had not been stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.utils import get_object
from pytorch_lightning import Callback

from segexp import build
from segexp.config.compose import compose
from segexp.train.settings import TrainSettings
from segexp.types import Values
from tests.conftest import PICTURES
from tests.options import folders, options
from tests.training import assert_goes_on


@pytest.fixture(params=options("callbacks"))
def values(request: pytest.FixtureRequest, small: Callable[..., list[str]]) -> Values:
    """A training with the option, with the checkpoint to go on from, and with a dropout that does not depend on it."""
    chosen = f"callbacks=[{','.join(dict.fromkeys(('last', 'step_seed', 'panels', request.param)))}]"
    if request.param in ("freeze_encoder", "finetune"):
        model = ["model=unet", "model.encoder=resnet18", "callbacks.freeze_encoder.weights=own"]
        return compose("train", [*(each for each in small(chosen) if not each.startswith("model.")), *model])
    pictures = [PICTURES] if request.param == "panels" else []
    return compose("train", small(chosen, *pictures), folders()[1:])


@pytest.mark.fast
def test_every_part_has_a_name_and_is_a_callback(values: Values, tmp_path: Path) -> None:
    TrainSettings.of(values)
    built = build.callbacks(values, tmp_path)
    assert len(built) == len(values["callbacks"])
    assert all(isinstance(each, Callback) for each in built)


@pytest.mark.fast
def test_what_it_says_of_weights_is_yes_or_no(values: Values) -> None:
    for node in values["callbacks"].values():
        assert getattr(get_object(node["_target_"]), "changes_weights", True) in (True, False)


@pytest.mark.slow
def test_a_run_goes_on_with_the_weights_that_it_would_have_had(values: Values, tmp_path: Path) -> None:
    assert_goes_on(values, tmp_path)
