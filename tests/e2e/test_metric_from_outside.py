"""A metric of the user's own, as docs/extending.md has it: evaluated beside those of segexp, then compared."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from segexp import build
from segexp.config.compose import compose
from segexp.metric.metric import Metric
from segexp.run.folder import RunFolder
from tests.e2e.command import PYTHON, ROOT, environment
from tests.examples import write_example
from tests.metric.segmented import CLASSES, count_all, segmented
from tests.process import PATIENCE
from tests.warm_process import run_module


@pytest.fixture
def metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Metric]:
    write_example("A metric", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("mine", None)
    settings = compose(
        "evaluate", ["run=RUN", "metric=[default,missed]", "metric.missed.name=road"], [tmp_path / "my_conf"]
    )
    metrics = build.metrics(settings["metric"])
    assert {"overlap", "boundary", "missed"} <= metrics.keys()
    yield metrics["missed"]
    sys.modules.pop("mine", None)


def test_its_score_is_what_its_author_defines(metric: Metric) -> None:
    images = [segmented(seed) for seed in range(12)]
    road = CLASSES.names.index("road")
    true, predicted = (np.stack([getattr(image, kind) for image in images]) for kind in ("target", "prediction"))
    ours = metric.scores(count_all([metric], images), None, CLASSES)
    assert (true == road).any()
    assert ours == {"missed": [pytest.approx((predicted[true == road] != road).mean())]}


@pytest.mark.slow
def test_it_is_evaluated_and_compared_from_outside(trained: RunFolder, tmp_path: Path) -> None:
    write_example("A metric", tmp_path)
    first = Path(shutil.copytree(trained.path, tmp_path / "runs/first", ignore=shutil.ignore_patterns("evaluation")))
    quick = ["device=cpu", "num_scenes=0"]
    typed = ["metric=[default,missed]", "metric.missed.name=road", *quick]
    command(tmp_path, "evaluate", f"run={first}", *quick)
    command(tmp_path, "evaluate", "--config-dir", "my_conf", f"run={first}", *typed)  # adds to what was evaluated
    stored = json.loads((first / "evaluation/val/metrics.json").read_text())
    assert stored["metric"]["missed"] == {"name": "road"}

    second = Path(shutil.copytree(first, tmp_path / "runs/second"))
    config = (second / "config.yaml").read_text()
    (second / "config.yaml").write_text(config.replace("lr: ", "lr: 1", 1))
    ours = ["--config-dir", "my_conf", f"runs={tmp_path / 'runs'}", "output=report"]
    assert "missed on val, baseline first" in command(tmp_path, "compare", *ours, "score=missed")
    variants = pl.read_parquet(tmp_path / "report/variants.parquet")
    assert variants["missed"].to_list() == pytest.approx([stored["metrics"]["missed"]] * 2)
    command(tmp_path, "compare", *ours)
    page = (tmp_path / "report/report.html").read_text()
    assert re.search(
        r"segexp.evaluate --config-dir \S*my_conf .*metric=\[default,missed\].* metric.missed.name=road", page
    )
    assert "missed_verdict" in pl.read_parquet(tmp_path / "report/variants.parquet").columns


@pytest.mark.slow
def test_the_contract_is_checked_for_it(tmp_path: Path) -> None:
    write_example("A metric", tmp_path)
    tests = [str(ROOT / "tests/contract/test_metric.py"), f"--config-dir={tmp_path / 'my_conf'}", "-k", "missed"]
    env = environment(PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    run = [*PYTHON, "pytest", "-p", "no:cacheprovider", *tests]
    answer = subprocess.run(run, cwd=ROOT, env=env, timeout=PATIENCE, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


def command(folder: Path, name: str, *arguments: str) -> str:
    env = environment(PYTHONPATH=os.pathsep.join([str(folder), str(ROOT)]))
    answer = run_module(f"segexp.{name}", *arguments, folder=folder, environment=env)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout
