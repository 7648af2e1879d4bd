"""Which settings change no weight is said by the parts themselves."""

from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from segexp.train.settings import TrainSettings
from segexp.train.without_effect import keys_without_effect, settings_without_effect
from tests.training import start

COMPARED_WITHOUT = {
    *("resume", "on_existing", "quiet", "logger", "data.root", "data.num_workers", "optimizer.fused", "memory_format"),
    *("data.cache", "data.cache_size", "data.cache_root", "trainer.enable_progress_bar", "data.splits_may_overlap"),
    *(f"callbacks.{name}" for name in ("last", "stop", "shared_folder", "panels", "throughput", "progress")),
}
"""What comparisons leave out of the default configuration, beside the seed."""


def test_the_default_configuration_says_what_comparisons_leave_out(compose_small) -> None:
    assert set(settings_without_effect(compose_small("logger=wandb"))) == COMPARED_WITHOUT


def test_what_chooses_or_changes_weights_is_compared(compose_small) -> None:
    without = settings_without_effect(compose_small("callbacks=[finetune,early_stopping]"))
    for name in ("best", "early_stopping", "non_finite", "step_seed", "freeze_encoder"):
        assert f"callbacks.{name}" not in without


def test_a_callback_from_outside_says_it_itself(compose_small) -> None:
    for target, is_quiet in (("tests.train.test_without_effect.Quiet", True), ("builtins.dict", False)):
        values = compose_small(f"+callbacks.mine={{_target_: {target}}}")
        assert ("callbacks.mine" in settings_without_effect(values)) == is_quiet


class Quiet:
    changes_weights = False


def test_a_nullable_setting_without_effect_is_refused_as_any_other(compose_small) -> None:
    with pytest.raises(ValueError, match=r"data\.num_workers is -1; allowed: null, or a whole number of at least 0"):
        TrainSettings.of(compose_small("data.num_workers=-1"))
    assert "data.num_workers" in keys_without_effect(TrainSettings)


def test_a_run_records_what_changes_none_of_its_weights(compose_small, tmp_path: Path) -> None:
    values = compose_small("callbacks.panels.num_scenes=0")
    start(values, tmp_path)
    assert RunFolder(tmp_path).environment["without_effect"] == settings_without_effect(values)
