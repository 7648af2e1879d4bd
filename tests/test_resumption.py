"""What may change when a run goes on, older runs included."""

import copy

import pytest

from segexp import build, resumption

TODAY = build.plain(build.compose("train"))


def older(*keys: str) -> dict:
    """The configuration of a run from before there were these keys."""
    values = copy.deepcopy(TODAY)
    for parent, _, last in (key.rpartition(".") for key in keys):
        del values[parent][last]
    return values


def test_a_key_that_today_s_runs_have_is_accepted_by_an_older_one() -> None:
    values = older("data.cache", "data.cache_root", "trainer.sync_batchnorm")
    typed = ["data.cache=disk", "data.cache_root=/local", "trainer.sync_batchnorm=true"]
    found = resumption.changed(values, typed)
    assert found["data"]["cache"] == "disk"
    assert found["data"]["cache_root"] == "/local"
    assert found["trainer"]["sync_batchnorm"] is True


def test_a_misspelt_key_is_refused_and_one_of_another_option_too() -> None:
    with pytest.raises(ValueError, match=r"has no data.cache_rot; see its config.yaml"):
        resumption.changed(TODAY, ["data.cache_rot=/local"])
    with pytest.raises(ValueError, match="has no data.cache;"):
        resumption.changed(older("data.cache"), ["~data.cache"])
    csv = {**TODAY, "logger": {"_target_": "segexp.logger.csv.csv_logger"}}
    for values in (csv, {**TODAY, "logger": {}}):
        with pytest.raises(ValueError, match=r"has no logger.project; .* \+\+logger.project=\.\.\. to add it"):
            resumption.changed(values, ["logger.project=mine"])


def test_a_run_from_before_fused_optimizers_is_the_one_that_its_command_asks_for() -> None:
    resumption.check_same(older("optimizer.fused"), build.compose("train"))
    with pytest.raises(ValueError, match=r"optimizer.fused was False and is True"):
        resumption.check_same({**TODAY, "optimizer": {**TODAY["optimizer"], "fused": False}}, build.compose("train"))
    with pytest.raises(ValueError, match=r"another configuration: optimizer.lr was 'absent' and is 0.001;"):
        resumption.check_same(older("optimizer.fused", "optimizer.lr"), build.compose("train"))


def test_what_lives_in_the_weights_cannot_change() -> None:
    with pytest.raises(ValueError, match="model.width=3 cannot change any more"):
        resumption.changed(TODAY, ["++model.width=3"])
