"""What a server says of its run."""

import json
import shutil
from pathlib import Path

import pytest

from segexp.inference.model import load_model
from segexp.run.folder import RunFolder
from segexp.serve.described import described
from segexp.serve.schema import Limits


@pytest.mark.parametrize("change", [{"step": 1}, {"regrouped_from": "val"}, {"metrics": None}])
def test_scores_of_other_weights_or_classes_are_not_shown(
    run: RunFolder, change: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = RunFolder.open(shutil.copytree(run.path, tmp_path / "run"))
    found, limits = load_model(other, "best"), Limits(bytes=1, pixels=1)
    assert described("run", other, found, "val", limits).miou == run.scores("val")["metrics"]["miou"]
    assert capsys.readouterr().out == ""
    (other.evaluation("val") / "metrics.json").write_text(json.dumps(run.scores("val") | change))
    told = described("run", other, found, "val", limits)
    assert {told.miou, *(each.iou for each in told.classes)} == {None}
    assert "no scores shown" in capsys.readouterr().out
