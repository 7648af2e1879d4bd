"""Two thousand runs with five hundred images each fit into the memory of a laptop."""

import json
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from segexp.compare.verdict.comparison import compare_variants
from segexp.compare.verdict.runs import read_runs
from tests.compare.verdict.run_folders import full_run, matrices, street_confusions

NUM_VARIANTS, NUM_SEEDS, FEW = 400, 5, 8
CLASSES = [f"class {number}" for number in range(19)]
PROGRAM = """
import json, sys
from segexp.compare.verdict.comparison import compare_variants
from segexp.compare.verdict.runs import read_runs
rows = compare_variants(read_runs(sys.argv[1], "val"), "val", "loss_000").rows
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))  # of this program alone
print(json.dumps({"rows": {row.name: [row.scores, row.difference] for row in rows}, "peak_kibibytes": int(peak)}))
"""


def many_runs(folder: Path, num_variants: int) -> Path:
    """Runs with every setting and fact of a real one; runs of the same seed share one of a few evaluations."""
    shared = folder / "shared"
    shared.mkdir()
    for number in range(NUM_SEEDS * FEW):
        confusions = street_confusions(np.random.default_rng(number), 500, len(CLASSES), 0.5 + 0.005 * number)
        (shared / f"{number}.npz").write_bytes(matrices(confusions, CLASSES))
    for variant in range(num_variants):
        for seed in range(NUM_SEEDS):
            evaluation = shared / f"{FEW * seed + variant % FEW}.npz"
            full_run(folder / f"runs/{variant:03}_{seed}", f"loss_{variant:03}", seed, evaluation)
    return folder / "runs"


@pytest.mark.slow
def test_thousands_of_runs_are_compared_as_a_few_are_within_a_gibibyte(tmp_path: Path) -> None:
    many = many_runs(tmp_path, NUM_VARIANTS)
    started = time.perf_counter()
    answer = subprocess.run([sys.executable, "-c", PROGRAM, many], stdout=subprocess.PIPE, text=True, check=True)
    seconds, output = time.perf_counter() - started, json.loads(answer.stdout)
    rows, peak_bytes = output["rows"], 1024 * output["peak_kibibytes"]
    print(f"{len(rows)} variants of {NUM_SEEDS} seeds: {seconds:.1f} s, {peak_bytes / 2**20:.0f} MiB")
    assert len(rows) == NUM_VARIANTS
    few = read_runs(str(many / "00[0-7]_*"), "val")
    for row in compare_variants(few, "val", "loss_000").rows:
        assert rows[row.name] == [row.scores, list(row.difference) if row.difference else None]
    assert peak_bytes < 2**30


@pytest.mark.slow
def test_matrices_of_runs_that_were_read_are_freed(tmp_path: Path) -> None:
    """A run in memory takes far less than its matrices, 1.4 MB."""
    many = many_runs(tmp_path, 40)
    tracemalloc.start()
    try:
        runs = read_runs(str(many / "*"), "val").runs
        held = tracemalloc.get_traced_memory()[0] / len(runs)
    finally:
        tracemalloc.stop()
    assert len(runs) == 200
    assert held < 300_000
