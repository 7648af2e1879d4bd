"""Commands that need no training answer without loading what trains."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from segexp import build
from segexp.benchmark.startup import REFERENCE, measure, report
from segexp.config.compose import compose
from segexp.run.folder import RunFolder

CPU = torch.device("cpu")
HEAVY = ("torch", "pytorch_lightning", "torchvision", "scipy", "matplotlib", "wandb")
AT_WORK = (
    "segexp.inference.predictor",
    "segexp.serve.image_store",
    "segexp.evaluate.processes",
    "segexp.export.bundle",
)
NOT_AT_WORK = ("torchmetrics", "matplotlib", "lightning", "pytorch_lightning", "onnx", "onnxruntime")
REFUSED = {
    "data=camvid": "no value for data.root",
    "data.batch_size=many": "data.batch_size is 'many'",
    "data.image_size=[10,10]": "data.image_size is [10, 10]",
    "data.num_workers=-1": "data.num_workers is -1",
    "data.cache=disc": "data.cache is 'disc'; allowed: off, memory, disk",
    "data.cache_size=[64,64]": "data.cache_size is [64, 64] and data.image_size is null",
    "trainer.max_epochs=0": "trainer.max_epochs is 0",
    "compile=yes": "compile is 'yes'",
    "seed=-1": "seed is -1",
    "resume=/nowhere/at/all": "no run folder /nowhere/at/all",
    "modle=unet": "no key 'modle'",
}
REFUSED_BY = {
    "predict run=RUN input=photos output=out scales=[0]": "scales is [0]",
    "export run=RUN format=onxx": "format is 'onxx'; allowed: onnx, torch_export",
    "export run=. checkpoint=best": "export holds an export already (model.onnx); add overwrite=true",
    "serve run=RUN port=70000": "port is 70000",
    "serve run=RUN scales=[0]": "scales is [0]",
    "serve run=. checkpoint=bets": "has no checkpoint 'bets'",
    "evaluate run=RUN scales=[0]": "scales is [0]",
    "compare runs=RUNS by=month": "by is 'month'",
    "benchmark suite=losses output=2024": "output is 2024; needed is the path of a folder",
    "benchmark suite=losses ~losses.rounds": "losses.rounds was added or deleted; losses has: shapes, scales, options",
}
"""Typed in the folder of a run that was exported."""


def loaded_by(folder: Path, entry: str, *arguments: str) -> tuple[set[str], str]:
    """Modules that a command imports, as Python itself tells, and what else it says."""
    command = [sys.executable, "-X", "importtime", "-m", f"segexp.{entry}", *arguments]
    lines = subprocess.run(command, capture_output=True, text=True, cwd=folder).stderr.splitlines()
    timed = [line for line in lines if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in timed}, "\n".join(line for line in lines if line not in timed)


@pytest.mark.parametrize("typed", REFUSED)
def test_a_value_that_cannot_be_is_refused_before_anything_heavy_is_loaded(tmp_path: Path, typed: str) -> None:
    modules, said = loaded_by(tmp_path, "train", typed, f"hydra.run.dir={tmp_path / 'run'}")
    assert said.startswith("segexp.train: ")
    assert REFUSED[typed] in said
    assert "segexp.config.command_line" in modules
    assert not modules.intersection(HEAVY)


@pytest.mark.parametrize("typed", REFUSED_BY)
def test_so_it_is_by_commands_other_than_train(tmp_path: Path, typed: str) -> None:
    for name in ("config.yaml", "checkpoints/best.ckpt", "export/model.onnx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    entry, *arguments = typed.split()
    modules, said = loaded_by(tmp_path, entry, *arguments)
    assert said.startswith(f"segexp.{entry}: ")
    assert REFUSED_BY[typed] in said
    assert "segexp.config.command_line" in modules
    assert not modules.intersection(HEAVY)


@pytest.mark.parametrize("entry", ["train", "compare", "evaluate", "benchmark", "predict", "export", "serve"])
def test_help_loads_nothing_heavy(tmp_path: Path, entry: str) -> None:
    modules, _ = loaded_by(tmp_path, entry, "--help")
    assert "segexp.config.command_line" in modules
    assert not modules.intersection(HEAVY)


def test_what_predicts_scores_and_exports_loads_nothing_that_only_trains_draws_or_writes_onnx() -> None:
    """Each process of an evaluation holds it all; and without the libraries of ONNX there is still torch.export."""
    code = f"import sys, {', '.join(AT_WORK)}; print([name for name in {NOT_AT_WORK} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout.strip()) == (0, "[]"), answer.stderr


def test_a_refusal_leaves_what_is_in_the_folder_of_a_run(trained: RunFolder, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.path.rglob("*")}
    for further in ([], ["on_existing=resume"]):
        _, said = loaded_by(tmp_path, "train", "data.batch_size=0", f"hydra.run.dir={trained.path}", *further)
        assert "data.batch_size is 0" in said
    assert {path: path.stat().st_mtime_ns for path in trained.path.rglob("*")} == before


def test_every_command_is_timed_beside_loading_torch() -> None:
    limits = {"compare --help": 1000.0, "train modle=unet": 1e-9}
    records = measure(limits, 1, CPU)
    assert [record["command"] for record in records] == [REFERENCE, *limits]
    assert records[0]["ratio"] == 1
    assert report(records).lines == ["above its limit: train modle=unet"]


def test_a_command_that_answers_otherwise_is_no_measure_of_starting() -> None:
    with pytest.raises(ValueError, match="ended with status 2, not 0|ended with status 1, not 0"):
        measure({"trian --help": 1.0}, 1, CPU)


def test_limits_without_seconds_are_refused() -> None:
    with pytest.raises(ValueError, match="startup.limits is 'train --help'; needed is {command: seconds}"):
        measure("train --help", 1, CPU)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="startup.limits of 'train --help' is 'soon'; needed is a number above 0"):
        measure({"train --help": "soon"}, 1, CPU)  # type: ignore[dict-item]


def test_the_limits_of_the_configuration_are_of_commands_that_exist() -> None:
    settings = compose("benchmark")["startup"]
    entries = {command.split()[0] for command in settings["limits"]}
    assert {"train", "compare"} <= entries
    assert all((Path(build.__file__).parent / entry / "__main__.py").is_file() for entry in entries)
