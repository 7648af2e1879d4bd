"""What dashboards show of a comparison, as W&B would store it; no server is needed for that."""

import json
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.comparison import Comparison, compare_variants
from segexp.compare.verdict.runs import read_runs
from segexp.compare.verdict.sentences import sentences
from segexp.compare.wandb import keys, pages, panels
from segexp.compare.wandb.library import workspaces
from segexp.compare.wandb.pages import Address
from segexp.compare.wandb.publish import dashboard_title, specification, write_specifications
from segexp.display.markdown import escape
from segexp.run.folder import RunFolder
from tests.compare.verdict.run_folders import finished_run
from tests.compare.wandb.specification import panels as all_panels
from tests.compare.wandb.specification import scores, settings, view_types
from tests.logger.client import run

ADDRESS = Address("tester", "segexp")


def workspace(comparison: Comparison) -> dict:
    return specification(pages.build_workspace(comparison, ADDRESS, "Comparison"))


def test_runs_are_grouped_by_loss_model_and_what_else_sets_variants_apart(comparison: Comparison) -> None:
    (runset,) = workspace(comparison)["section"]["runSets"]
    names = ["choices.value.loss", "choices.value.model", "loss.value.a"]
    assert runset["grouping"] == [{"section": "config", "name": name} for name in names]


def test_only_finished_runs_of_the_comparison_are_shown(comparison: Comparison) -> None:
    (runset,) = workspace(comparison)["section"]["runSets"]
    state, ids = runset["filters"]["filters"]
    assert (state["key"]["name"], state["value"]) == ("state", "finished")
    assert sorted(ids["value"]) == [f"{variant}{seed}" for variant in "abc" for seed in range(3)]


def test_every_kind_of_panel_is_there(comparison: Comparison) -> None:
    assert view_types(workspace(comparison)) == {
        *("Run History Line Plot", "Bar Chart", "Parallel Coordinates Plot", "Parameter Importance"),
        *("Run Comparer", "Media Browser"),
    }


def test_curves_are_mean_and_spread(comparison: Comparison) -> None:
    curves, *_ = workspace(comparison)["section"]["panelBankConfig"]["sections"]
    assert {(each["config"]["groupAgg"], each["config"]["groupArea"]) for each in curves["panels"]} == {
        ("mean", "stddev")
    }


def test_parallel_coordinates_go_from_what_varies_to_the_score(comparison: Comparison) -> None:
    (plot,) = [each for each in all_panels(workspace(comparison)) if each["viewType"] == "Parallel Coordinates Plot"]
    assert plot["config"]["columns"] == [
        {"accessor": "config:choices.value.loss"},
        {"accessor": "config:loss.value.a", "log": True},
        {"accessor": "config:seed.value"},
        {"accessor": "summary:val/miou"},
    ]


def test_panels_name_the_one_setting_that_varies(tmp_path: Path) -> None:
    for loss in ("focal", "dice"):
        folder = finished_run(tmp_path / loss, {"_target_": loss}, 0)
        (folder / "wandb_id").write_text(loss)
    curves, *_ = panels.sections(compare_variants(read_runs(str(tmp_path), "val"), "val")).values()
    assert {curve.groupby.name for curve in curves} == {"choices.loss"}


def test_scores_are_keys_that_a_training_logs(comparison: Comparison, trained: RunFolder) -> None:
    logged = {name for row in trained.history() for name in row}
    assert {keys.SCORE, *keys.LOSSES, keys.EPOCH} <= logged
    names = tuple(name.removeprefix("val/iou/") for name in logged if name.startswith("val/iou/"))
    rows = [replace(row, class_scores=np.ones(len(names))) for row in comparison.rows]
    panel_keys = scores(workspace(replace(comparison, class_names=names, rows=rows)))
    assert panel_keys - logged == {keys.STEP, *keys.MEDIA}  # of the W&B logger alone: see test_publish


def test_settings_are_keys_of_every_run_of_some_variant(comparison: Comparison) -> None:
    known = {key for run in keys.all_runs(comparison) for key in run.settings} | {"choices.loss", "choices.model"}
    assert settings(workspace(comparison)) <= known


def test_a_class_that_never_occurs_gets_no_bars(comparison: Comparison) -> None:
    rows = [replace(row, class_scores=np.array([0.5, np.nan, 0.5])) for row in comparison.rows]
    assert list(keys.class_scores(replace(comparison, rows=rows))) == ["road", "sky"]


def test_what_is_read_back_is_what_was_written(comparison: Comparison) -> None:
    model = pages.build_workspace(comparison, ADDRESS, "Comparison")._to_model()
    again = workspaces.Workspace._from_model(model)._to_model()
    assert again.spec.model_dump() == model.spec.model_dump()


def test_the_report_says_the_verdict(comparison: Comparison) -> None:
    skipped = [(Path("d0"), "failed during training")]
    report = specification(pages.build_report(replace(comparison, skipped_runs=skipped), ADDRESS, "Comparison", None))
    (text,) = [block["content"] for block in report["blocks"] if block["type"] == "markdown-block"]
    assert all(escape(sentence) in text for sentence in sentences(comparison))
    assert "d0" in text
    assert "failed during training" in text
    assert sum(line.startswith("| loss=") for line in text.splitlines()) == 3
    grids = [block for block in report["blocks"] if block["type"] == "panel-grid"]
    assert len(grids) == 5


def test_runs_that_were_never_logged_are_counted(sweep: Path, comparison: Comparison) -> None:
    (sweep / "a0/wandb_id").unlink()
    report = specification(pages.build_report(comparison, ADDRESS, "Comparison", None))
    assert "1 of these runs were never logged to W&B" in json.dumps(report)
    for file in sweep.glob("*/wandb_id"):
        file.unlink()
    with pytest.raises(ValueError, match="no run of this comparison was logged to W&B"):
        pages.build_workspace(comparison, ADDRESS, "Comparison")


def test_files_hold_the_specification(comparison: Comparison, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = write_specifications(comparison, ADDRESS, "Comparison", tmp_path)
    assert [file.name for file in files] == ["workspace.json", "report.json"]
    assert view_types(json.loads(files[0].read_text())) == view_types(workspace(comparison))


@pytest.mark.parametrize("place", ["outputs/sweeps/losses", "outputs/*/a=b|$x*", "~"])
def test_a_title_is_one_that_w_and_b_takes(comparison: Comparison, place: str) -> None:
    title = dashboard_title(place, "val")
    assert pages.build_workspace(comparison, ADDRESS, title).name == title
    assert re.fullmatch(r"Comparison of [\w. -]+ on val", title)  # it becomes a part of the report's address


def test_a_dry_run_needs_no_torch_no_server_and_no_key(sweep: Path, tmp_path: Path) -> None:
    program = """
import sys
sys.argv[0] = "segexp.compare"
from segexp.compare.__main__ import main
main()
assert "torch" not in sys.modules
"""
    overrides = [f"runs={sweep}", "wandb=tester/segexp", "dry_run=true", f"output={tmp_path / 'comparison'}"]
    answer = run("-c", program, *overrides, home=tmp_path, WANDB_BASE_URL="http://127.0.0.1:9")
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    assert all(str(tmp_path / "comparison" / name) in answer.stdout for name in ("workspace.json", "report.json"))
