"""What a command answers where Hydra alone would know no cure."""

from pathlib import Path

import pytest

from segexp.entry import explain


@pytest.mark.parametrize("typed", [["--config-dir", "CONF"], ["--config-dir=CONF"], ["-cd", "CONF"]])
def test_a_mistyped_key_beside_options_of_ones_own_is_answered_as_any_other(typed: list[str], tmp_path: Path) -> None:
    (tmp_path / "my conf/model").mkdir(parents=True)
    (tmp_path / "my conf/model/mine.yaml").write_text("_target_: mine.network\nwidth: 4\n")
    mine = [word.replace("CONF", str(tmp_path / "my conf")) for word in typed]
    answer = explain("train", [*mine, "model=mine", "model.widht=3"])
    assert answer == "no key 'model.widht'; model has: _target_, width; did you mean model.width?"
