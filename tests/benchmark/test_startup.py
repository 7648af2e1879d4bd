"""Commands that train nothing answer without loading heavy libraries."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from segexp import build
from segexp.benchmark.settings import StartupSettings
from segexp.benchmark.startup import REFERENCE, measure, report
from segexp.config.compose import compose
from segexp.run.folder import RunFolder

CPU = torch.device("cpu")
HEAVY = ("numpy", "torch", "pytorch_lightning", "torchvision", "scipy", "matplotlib", "wandb")
MODULES_WITHOUT_TRAINING = (
    "segexp.inference.predictor",
    "segexp.serve.image_store",
    "segexp.evaluate.processes",
    "segexp.export.bundle",
)
UNNEEDED_LIBRARIES = ("torchmetrics", "matplotlib", "lightning", "pytorch_lightning", "onnx", "onnxruntime")
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
REFUSED_BY_PARTS = {
    "data=camvid classes=camvid11 data.root=/nowhere": "no folder /nowhere; set data.root to the folder that holds",
    "data=cityscapes data.root=/nowhere": "no folder /nowhere; set data.root",
    "data=folder data.root=/nowhere data.labels={0:a}": "grouping 'cityscapes19': ['bicycle'",
    "classes=camvid11": "are not labels of cityscapes",
    "model=unet model.encoder=resnet35": "model.encoder: smp has no 'resnet35'; try ",
    "model=fcn8 model.encoder=tu-resnet19t": "model.encoder: timm has no 'resnet19t'; try ",
}
REFUSED_BY = {
    "predict run=RUN input=photos output=out scales=[0]": "scales is [0]",
    "export run=RUN format=onxx": "format is 'onxx'; allowed: onnx, torch_export",
    "export run=. checkpoint=best": "export already has an export (model.onnx); add overwrite=true",
    "serve run=RUN port=70000": "port is 70000",
    "serve run=RUN scales=[0]": "scales is [0]",
    "serve run=. checkpoint=bets": "has no checkpoint 'bets'",
    "evaluate run=RUN scales=[0]": "scales is [0]",
    "compare runs=RUNS by=month": "by is 'month'",
    "benchmark suite=losses output=2024": "output is 2024; allowed: the path of a folder",
    "benchmark suite=losses ~losses.rounds": "the configuration has no losses.rounds",
    "benchmark suite=losses +losses.round=1": "no key 'losses.round'; losses has: shapes, scales, options, rounds",
    "sweep folder=2024": "folder is 2024; allowed: the path of a folder",
    "tune study=a num_trials=0": "num_trials is 0; allowed: a whole number of at least 1",
}
"""Commands that are typed in the folder of a run that was exported -> a part of the error."""
LoadedBy = Callable[..., tuple[set[str], str]]


@pytest.fixture(scope="module")
def loaded_by() -> Iterator[LoadedBy]:
    """Modules that a command has imported when it ends, and what it says on stderr."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmark.light_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert server.stdin
    assert server.stdout
    with server:

        def ask(folder: Path, name: str, *arguments: str) -> tuple[set[str], str]:
            print(json.dumps([str(folder), name, *arguments]), file=server.stdin, flush=True)
            modules, said = json.loads(server.stdout.readline())
            return set(modules), said

        yield ask
        server.stdin.close()


@pytest.mark.parametrize("typed", REFUSED)
def test_training_refuses_a_wrong_value_before_anything_heavy_is_loaded(
    loaded_by: LoadedBy, tmp_path: Path, typed: str
) -> None:
    modules, error = loaded_by(tmp_path, "train", typed, f"hydra.run.dir={tmp_path / 'run'}")
    assert error.startswith("segexp.train: ")
    assert REFUSED[typed] in error
    assert "segexp.config.command_line" in modules
    assert not modules.intersection(HEAVY)


@pytest.mark.parametrize("typed", REFUSED_BY_PARTS)
def test_training_refuses_data_classes_and_encoders_before_torch_is_loaded(
    loaded_by: LoadedBy, tmp_path: Path, typed: str
) -> None:
    """Nothing is left of a run whose folder nobody named."""
    modules, error = loaded_by(tmp_path, "train", *typed.split())
    assert error.startswith("segexp.train: ")
    assert REFUSED_BY_PARTS[typed] in error
    assert modules.isdisjoint({*HEAVY, "timm", "segmentation_models_pytorch"} - {"numpy"})
    assert list((tmp_path / "outputs/runs").iterdir()) == []


@pytest.mark.parametrize("typed", ["data.root=/nowhere", "split=trian"])
def test_an_evaluation_refuses_data_that_is_not_there_before_torch_is_loaded(
    loaded_by: LoadedBy, trained: RunFolder, typed: str
) -> None:
    modules, error = loaded_by(trained.path, "evaluate", "run=.", typed)
    assert "segexp.evaluate: no " in error
    assert modules.isdisjoint({"torch", "pytorch_lightning"})


@pytest.mark.parametrize("typed", REFUSED_BY)
def test_other_commands_refuse_a_wrong_value_before_anything_heavy_is_loaded(
    loaded_by: LoadedBy, tmp_path: Path, typed: str
) -> None:
    for name in ("config.yaml", "checkpoints/best.ckpt", "export/model.onnx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    entry, *arguments = typed.split()
    modules, error = loaded_by(tmp_path, entry, *arguments)
    assert error.startswith(f"segexp.{entry}: ")
    assert REFUSED_BY[typed] in error
    assert "segexp.config.command_line" in modules
    assert not modules.intersection(HEAVY)


@pytest.mark.parametrize("entry", ["train", "compare", "evaluate", "benchmark", "predict", "export", "serve"])
def test_help_loads_nothing_heavy(loaded_by: LoadedBy, tmp_path: Path, entry: str) -> None:
    modules, _ = loaded_by(tmp_path, entry, "--help")
    assert "segexp.config.command_line" in modules
    assert not modules.intersection(HEAVY)


def test_prediction_evaluation_and_export_load_no_library_for_training_drawing_or_onnx() -> None:
    """Each process of an evaluation holds what it loads; and torch.export works without the libraries of ONNX."""
    loaded = f"[name for name in {UNNEEDED_LIBRARIES} if name in sys.modules]"
    code = f"import sys, {', '.join(MODULES_WITHOUT_TRAINING)}; print({loaded})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout.strip()) == (0, "[]"), answer.stderr


def test_scenes_that_exist_are_read_without_loading_what_renders_them() -> None:
    code = "import sys, segexp.data.streets; print([name for name in sys.modules if 'streetscenes' in name])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "['segexp.streetscenes', 'segexp.streetscenes.version']", answer.stderr


def test_a_refusal_changes_nothing_in_the_folder_of_a_run(
    loaded_by: LoadedBy, trained: RunFolder, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.path.rglob("*")}
    for further in ([], ["on_existing=resume"]):
        _, error = loaded_by(tmp_path, "train", "data.batch_size=0", f"hydra.run.dir={trained.path}", *further)
        assert "data.batch_size is 0" in error
    assert {path: path.stat().st_mtime_ns for path in trained.path.rglob("*")} == before


def test_every_command_is_timed_beside_loading_torch() -> None:
    limits = {"compare --help": 1000.0, "train modle=unet": 1e-9}
    settings = StartupSettings.of({"limits": limits, "rounds": 1})
    records = measure(settings, CPU, [])
    assert [record["command"] for record in records] == [REFERENCE, *limits]
    assert records[0]["ratio"] == 1
    assert report(records, settings, CPU).lines == ["above its limit: train modle=unet"]


def test_a_command_with_another_exit_status_than_expected_is_refused() -> None:
    settings = StartupSettings.of({"limits": {"trian --help": 1.0}, "rounds": 1})
    with pytest.raises(
        ValueError, match="startup.limits has .*trian --help.* ended with status 1, not 0.*help.*mistakes"
    ):
        measure(settings, CPU, [])


def test_the_limits_of_the_configuration_are_of_commands_that_exist() -> None:
    settings = compose("benchmark")["startup"]
    entries = {command.split()[0] for command in settings["limits"]}
    assert {"train", "compare"} <= entries
    assert all((Path(build.__file__).parent / entry / "__main__.py").is_file() for entry in entries)
