"""What ships a network loads nothing of what trains one."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from segexp.data.module import DataModule
from segexp.data.settings import READING_KEYS
from segexp.run.folder import RunFolder

FOREIGN = ("pytorch_lightning", "lightning_fabric", "segexp.loss", "segexp.augmentation", "segexp.train.task")
PROBE = f"""
import runpy, sys
name, sys.argv = sys.argv[1], sys.argv[1:]
try:
    runpy.run_module(name, run_name="__main__")
finally:
    print("loaded", [name for name in {FOREIGN} if name in sys.modules])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["segexp.predict", "input=INPUT", "output=OUTPUT"],
        ["segexp.export", "output=OUTPUT", "format=torch_export"],
        ["segexp.serve", "port=0", "split=nowhere"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_neither_lightning_nor_losses_are_loaded(trained: RunFolder, tmp_path: Path, arguments: list[str]) -> None:
    photos = next(Path(trained.config["data"]["root"]).glob("64x128_*_v*[0-9]")) / "leftImg8bit" / "val"
    places = {"INPUT": str(photos), "OUTPUT": str(tmp_path / "out")}
    for name, place in places.items():
        arguments = [argument.replace(name, place) for argument in arguments]
    command = [sys.executable, "-c", PROBE, *arguments, f"run={trained.path}", "checkpoint=last"]
    answer = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})
    ended_by_its_split = arguments[0] == "segexp.serve"  # which it looks for last
    assert answer.returncode == ended_by_its_split, answer.stderr
    assert not ended_by_its_split or "no folder" in answer.stderr
    assert answer.stdout.splitlines()[-1] == "loaded []"


def test_keys_of_reading_are_those_that_reading_takes() -> None:
    """Listed apart, because who only wants a data set must not wait for Lightning."""
    parameters = inspect.signature(DataModule).parameters.values()
    assert [each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY] == list(READING_KEYS)
