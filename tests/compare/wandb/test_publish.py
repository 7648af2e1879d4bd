"""Dashboards and offline runs, sent for real to a stand-in for the server; and the errors when that breaks."""

import json
import shutil
from pathlib import Path

import pytest

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.wandb import pages, publish
from segexp.run.folder import RunFolder
from segexp.system.files import write_atomic
from tests.compare.wandb.specification import scores, settings, view_types
from tests.conftest import PICTURES
from tests.logger.client import environment, log, online, run, train
from tests.wandb_standin import Standin
from tests.warm_process import run_module

FEW_ROWS = """
def record(logger):
    logger.log_hyperparams({"seed": 0})
    for step in range(5):
        logger.log_metrics({"val/miou": 0.1}, step)
    logger.finalize("success")
record(logger)
record(wandb_logger(logger.save_dir.replace("first", "second"), "segexp", None, None, None))
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders, first/ and second/, with what our logger leaves of an offline run."""
    base = tmp_path_factory.mktemp("recorded")
    answer = log(base / "first", FEW_ROWS)
    assert answer.returncode == 0, answer.stderr
    return base


def give(recorded: Path, folder: Path) -> None:
    """Copy a recording into the folder of a run, as if the run had made it."""
    shutil.copytree(recorded, folder, symlinks=True, dirs_exist_ok=True)


def compare(runs: Path, *overrides: str, **variables: str):
    return command("segexp.compare", runs.parent, f"runs={runs}", "output=null", *overrides, **variables)


def command(module: str, home: Path, *arguments: str, **variables: str):
    return run_module(module, *arguments, environment=environment(home, **variables))


def stored(server: Standin, kind: str) -> list[dict]:
    return [json.loads(view["spec"]) for view in server.views.values() if view["type"] == kind]


def sent(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.wandb.synced"))


@pytest.mark.slow
def test_an_offline_training_is_sent_and_its_dashboards_show_what_it_logged(tmp_path: Path, small) -> None:
    folder = tmp_path / "runs/run"
    answer = train(folder, [each for each in small() if each != "logger=none"] + ["logger=wandb", PICTURES])
    assert answer.returncode == 0, answer.stderr
    answer = command("segexp.evaluate", tmp_path, f"run={folder}", "device=cpu")
    assert answer.returncode == 0, answer.stderr
    with Standin() as server:
        answer = compare(folder.parent, "wandb=tester/segexp", "sync=true", **online(server.url))
        assert answer.returncode == 0, answer.stderr
    assert not server.unknown
    ((name, seen),) = server.runs.items()
    assert name == (folder / "wandb_id").read_text().strip()
    assert len([row for row in seen.history if "val/miou" in row]) == 1
    (workspace,) = stored(server, "project-view")
    assert scores(workspace) <= {key for row in seen.history for key in row}
    assert {key.split(".")[0] for key in settings(workspace)} <= seen.config.keys()
    assert {"loss", "model"} <= seen.config["choices"].keys()
    assert RunFolder(folder).history()  # the files here are as they were


@pytest.mark.slow
def test_what_arrives_is_the_specification_and_a_second_time_replaces_it(sweep: Path, comparison: Comparison) -> None:
    with Standin() as server:
        server.run("a0").facts["project"] = "segexp"
        for _ in range(2):
            answer = compare(sweep, "wandb=tester/segexp", **online(server.url))
            assert answer.returncode == 0, answer.stderr
            assert answer.stderr == ""
            assert f"{server.url}/tester/segexp?nw=" in answer.stdout
    assert not server.unknown
    (workspace,), (report,) = stored(server, "project-view"), stored(server, "runs")
    title = publish.dashboard_title(str(sweep), "val")
    built = publish.specification(pages.build_workspace(comparison, pages.Address("tester", "segexp"), title))
    assert view_types(workspace) == view_types(built)
    assert workspace["section"]["runSets"][0]["grouping"] == built["section"]["runSets"][0]["grouping"]
    grid = next(block for block in report["blocks"] if block["type"] == "panel-grid")
    assert grid["metadata"]["runSets"][0]["project"]["name"] == "segexp"
    assert {view["displayName"] for view in server.views.values()} == {title}


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        (["wandb=segexp"], "wandb is 'segexp'; allowed: null, or ENTITY/PROJECT"),
        (["dry_run=true"], "add wandb=ENTITY/PROJECT"),
        (["wandb=a/b", "dry_run=true", "sync=true"], "leave one of them out"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_before_anything_is_computed(
    sweep: Path, overrides, error: str
) -> None:
    answer = compare(sweep, *overrides)
    assert answer.returncode == 1
    assert error in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert answer.stdout == ""


@pytest.mark.parametrize(
    ("overrides", "variables", "error"),
    [
        (["wandb=a/b"], {}, "no API key for W&B"),
        (["wandb=a/b"], online("http://127.0.0.1:9"), "W&B at http://127.0.0.1:9 cannot be reached"),
    ],
)
def test_an_error_is_one_line_after_the_table(sweep: Path, overrides, variables, error: str) -> None:
    answer = compare(sweep, *overrides, **variables)
    assert answer.returncode == 1
    assert error in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert "lovasz_beta" in answer.stdout


def test_a_refusal_is_reported_in_the_words_of_the_server(sweep: Path) -> None:
    with Standin(fault=lambda name: 403 if name == "UpsertView2" else None) as server:
        answer = compare(sweep, "wandb=tester/segexp", **online(server.url))
    assert answer.returncode == 1
    assert "did not take the dashboards of tester/segexp" in answer.stderr
    assert "stand-in says 403" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_without_the_extra_one_line_says_what_to_install(sweep: Path, tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without/wandb_workspaces.py").write_text("raise ImportError")
    place = str(tmp_path / "without")
    program = f"import sys; sys.path.insert(0, {place!r}); from segexp.compare.__main__ import main; main()"
    answer = run("-c", program, f"runs={sweep}", "output=null", "wandb=a/b", "dry_run=true", home=tmp_path)
    assert answer.returncode == 1
    assert "pip install 'segexp[workspaces]'" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_offline_runs_are_sent_once_skipped_ones_too(sweep: Path, recorded: Path) -> None:
    give(recorded / "first", sweep / "a0")
    give(recorded / "second", sweep / "b0")
    (sweep / "b0/evaluation/val/confusion.npz").unlink()
    with Standin() as server:
        first, second = (compare(sweep, "sync=true", **online(server.url)) for _ in range(2))
    assert "runs sent to W&B: 2, parts of runs sent before: 0" in first.stdout, first.stderr
    assert "runs sent to W&B: 0, parts of runs sent before: 2" in second.stdout, second.stderr
    assert [len(seen.history) for seen in server.runs.values()] == [5, 5]
    assert len(sent(sweep)) == 2


@pytest.mark.slow
def test_runs_are_sent_where_none_was_evaluated(sweep: Path, recorded: Path) -> None:
    give(recorded / "first", sweep / "a0")
    for evaluation in sweep.glob("*/evaluation"):
        shutil.rmtree(evaluation)
    with Standin() as server:
        answer = compare(sweep, "sync=true", **online(server.url))
    assert answer.returncode == 0, answer.stderr
    assert "can be compared" in answer.stdout
    assert "runs sent to W&B: 1" in answer.stdout
    assert compare(sweep).returncode == 1


@pytest.mark.slow
def test_an_unreadable_run_is_named_and_the_others_are_sent(sweep: Path, recorded: Path) -> None:
    give(recorded / "first", sweep / "b0")
    broken = sweep / "a0/wandb/offline-run-20260101_000000-a0/run-a0.wandb"
    write_atomic(broken, "nonsense")
    with Standin() as server:
        answer = compare(sweep, "sync=true", **online(server.url))
    assert answer.returncode == 1
    assert "did not take 1 of 2 runs" in answer.stderr
    assert f"again: wandb sync {broken.parent}" in answer.stderr
    assert "invalid W&B identifier" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert len(server.runs) == 1


@pytest.mark.slow
@pytest.mark.parametrize("code", [401, None])
def test_a_server_that_does_not_take_runs_costs_nothing(sweep: Path, recorded: Path, code: int | None) -> None:
    give(recorded / "first", sweep / "a0")
    before = {path: path.read_bytes() for path in sweep.rglob("*.wandb")}
    with Standin(fault=lambda name: code if not name.startswith("GET") else None) as server:
        answer = compare(sweep, "sync=true", **online(server.url if code else "http://127.0.0.1:9"))
    assert answer.returncode == 1
    assert ("401" if code else "cannot be reached") in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert {path: path.read_bytes() for path in sweep.rglob("*.wandb")} == before
    assert not sent(sweep)
