"""Nothing that is typed is passed over in silence."""

from pathlib import Path

import pytest

from tests.compare.verdict.run_folders import finished_run
from tests.compare.verdict.test_commands import compare


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    for loss in ("focal", "dice"):
        finished_run(tmp_path / loss, {"_target_": loss}, 0)
    return tmp_path


def test_a_baseline_that_is_none_is_an_error_though_runs_are_to_be_sent(sweep: Path) -> None:
    answer = compare(f"runs={sweep}", "baseline=typo", "sync=true")
    assert answer.returncode == 1
    assert "baseline is 'typo', which fits no variant" in answer.stderr
    assert "variants: ['loss=dice', 'loss=focal']" in answer.stderr
    assert answer.stdout == ""


def test_a_folder_for_what_is_not_written_is_refused(sweep: Path) -> None:
    answer = compare(f"a={sweep / 'focal'}", f"b={sweep / 'dice'}", f"output={sweep / 'report'}")
    assert answer.returncode == 1
    facts = ("segexp.compare: output= is for many runs", "of two writes nothing", "leave it out")
    assert [fact for fact in facts if fact not in answer.stderr] == [], answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert not (sweep / "report").exists()
