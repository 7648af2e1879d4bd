"""The description that a server gives of its run."""

import json
import shutil
from pathlib import Path

import pytest

from segexp.inference.model import load_model
from segexp.run.folder import RunFolder
from segexp.serve.responses import UploadLimits
from segexp.serve.run_description import describe_run


@pytest.mark.parametrize("change", [{"step": 1}, {"regrouped_from": "val"}, {"metrics": None}])
def test_scores_of_other_weights_or_classes_are_not_shown(
    run: RunFolder, change: dict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = RunFolder.open(shutil.copytree(run.path, tmp_path / "run"))
    trained, limits = load_model(other, "best"), UploadLimits(bytes=1, pixels=1)
    assert describe_run("run", other, trained, "val", limits).miou == run.scores("val")["metrics"]["miou"]
    assert capsys.readouterr().out == ""
    (other.evaluation("val") / "metrics.json").write_text(json.dumps(run.scores("val") | change))
    description = describe_run("run", other, trained, "val", limits)
    assert {description.miou, *(each.iou for each in description.classes)} == {None}
    assert "no scores shown" in capsys.readouterr().out
