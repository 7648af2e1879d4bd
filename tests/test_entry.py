"""What a command answers where Hydra alone would know no cure."""

import shlex
from pathlib import Path

import pytest

from segexp import build, resumption
from segexp.entry import explain


@pytest.mark.parametrize("typed", [["--config-dir", "CONF"], ["--config-dir=CONF"], ["-cd", "CONF"]])
def test_a_mistyped_key_beside_options_of_ones_own_is_answered_as_any_other(typed: list[str], tmp_path: Path) -> None:
    (tmp_path / "my conf/model").mkdir(parents=True)
    (tmp_path / "my conf/model/mine.yaml").write_text("_target_: mine.network\nwidth: 4\n")
    mine = [word.replace("CONF", str(tmp_path / "my conf")) for word in typed]
    answer = explain("train", [*mine, "model=mine", "model.widht=3"])
    assert answer == "no key 'model.widht'; model has: _target_, width; did you mean model.width?"


def test_a_key_that_only_the_resumed_run_has_is_answered_with_what_to_type() -> None:
    change = "callbacks.freeze_encoder.num_epochs=2"
    answer = explain("train", ["resume=/run", change])
    assert answer.startswith("no key 'callbacks.freeze_encoder'; callbacks has: best, last, ")
    typed = ["resume=/run", *shlex.split(answer.partition("; for a key that only the run has, type ")[2])]
    assert build.compose("train", typed).resume == "/run"
    run = build.plain(build.compose("train", ["callbacks=finetune"]))
    wanted = {**run["callbacks"]["freeze_encoder"], "num_epochs": 2}
    assert resumption.changed(run, typed)["callbacks"]["freeze_encoder"] == wanted
    assert "++" not in explain("train", [change])
