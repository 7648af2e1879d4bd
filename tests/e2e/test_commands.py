"""The entry points as a user types them, mistakes included."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from PIL import Image

from segexp.config.compose import config_folder
from segexp.data.streets import Streets
from segexp.run.folder import RunFolder
from tests.process import PATIENCE
from tests.warm_process import ROOT, ForkedModule, run_module

FEW_STREETS = ["data.num_train=1", "data.num_val=1", "data.height=32", "data.width=64"]
"""Which are rendered at once."""


def segexp(*arguments: str, folder: Path | None = None, **further: str) -> subprocess.CompletedProcess[str]:
    return run_module(
        f"segexp.{arguments[0]}", *arguments[1:], folder=folder or ROOT, environment=environment(**further)
    )


def environment(**further: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **further}


@pytest.mark.parametrize("entry", ["train", "evaluate", "check"])
def test_help_shows_usage_and_options(entry: str) -> None:
    answer = segexp(entry, "--help")
    assert answer.returncode == 0
    assert answer.stdout.startswith(f"python -m segexp.{entry} ")


@pytest.mark.parametrize(
    "entry", ["evaluate", "compare", "sweep", "runs", "benchmark", "tune", "predict", "export", "serve"]
)
def test_help_without_groups_shows_every_key_and_the_comments(entry: str) -> None:
    config = yaml.safe_load((config_folder() / f"{entry}.yaml").read_text())
    answer = segexp(entry, "--help")
    assert answer.returncode == 0
    assert answer.stdout.startswith(f"python -m segexp.{entry} ")
    assert set(config) - {"defaults", "hydra"} <= {line.split(":")[0] for line in answer.stdout.splitlines()}
    assert answer.stdout.count("  # ") > 1
    assert "Compose your configuration" not in answer.stdout


@pytest.mark.parametrize(
    ("typed", "answered"),
    [
        (["hydra.run.dir=ignored", "modle=unet"], "no key 'modle'; did you mean model? the configuration has: "),
        (["model=unte"], "no option 'unte'; did you mean model=unet? options of model: "),
        (["data.bacth_size=3"], "no key 'data.bacth_size'; did you mean data.batch_size? data has: "),
        (["data=camvid"], "no value for data.root; add data.root=... to the command"),
        (["data=camvid", "data.root=/nowhere", "classes=camvid11"], "no folder /nowhere; set data.root to the folder"),
        (["data.batch_size=many"], "data.batch_size is 'many'.*a whole number of at least 1"),
        (["+model.depth=3", *FEW_STREETS, "data.root=FOLDER"], "unexpected keyword argument 'depth'"),
    ],
)
def test_a_mistake_is_answered_in_one_message_with_the_cure(typed: list[str], answered: str, tmp_path: Path) -> None:
    typed = [each.replace("FOLDER", str(tmp_path)) for each in typed]
    answer = segexp("train", *typed, "logger=none", f"hydra.run.dir={tmp_path / 'run'}")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert answer.stderr.startswith("segexp.train: ")
    assert all(part in answer.stderr for part in answered.split(".*"))


@pytest.mark.parametrize("place", ["/none/Bäume", "/none/a=b", "~/none/at/all", "/none/it's", "/none/#1"])
def test_a_path_that_needs_quotes_is_answered_with_what_to_type(place: str) -> None:
    answer = segexp("sweep", f"folder={place}")
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 2
    typed = shlex.split(answer.stderr.splitlines()[0].partition("; type ")[2])
    answer = segexp("sweep", *typed)
    assert answer.returncode == 1
    assert str(Path(place).expanduser()) in answer.stderr


@pytest.mark.fast
def test_train_and_evaluate_from_any_folder(small, tmp_path: Path) -> None:
    run = tmp_path / "run"
    answer = segexp("train", *small(), f"hydra.run.dir={run}", folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "next        python -m segexp.evaluate run=run\n" in answer.stdout
    answer = segexp("evaluate", f"run={run}", "predictions=true", folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "baseline: most frequent class" in answer.stdout
    assert len(list((run / "evaluation/val/predictions").glob("*.png"))) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["run"]  # nothing written anywhere else


@pytest.mark.slow
def test_a_comparison_evaluates_first_what_is_not_evaluated(trained: RunFolder, tmp_path: Path) -> None:
    runs = tmp_path / "runs, two of them"  # a name that overrides need quotes for
    for seed in (0, 1):
        run = RunFolder(Path(shutil.copytree(trained.path, runs / str(seed))))
        run.write_config({**run.config, "seed": seed})
    refused = segexp("compare", f"runs='{runs}'", "output=null")
    assert "2 runs not evaluated on val; evaluate=true evaluates them first" in refused.stderr
    answer = segexp("compare", f"runs='{runs}'", "output=null", "evaluate=true")
    assert answer.returncode == 0, answer.stderr
    assert "2 evaluated\n" in answer.stdout
    assert "baseline first, 2 seeds each" in answer.stdout


@pytest.mark.slow
def test_evaluations_of_one_run_stand_side_by_side(trained: RunFolder, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained.path, tmp_path / "run"))
    shutil.rmtree(run / "evaluation", ignore_errors=True)
    views = ["window=[64,64]", "scales=[1,1.5]", "flip=true"]
    typed: list[tuple[list[str], str]] = [
        (["benchmark=true"], "evaluation/val/official.json"),
        (["name=val_views", "num_processes=2", *views], "evaluation/val_views/metrics.json"),
        (["regroup=cityscapes7"], "evaluation/val_cityscapes7/metrics.json"),
    ]
    for arguments, written in typed:
        answer = segexp("evaluate", f"run={run}", *arguments, folder=tmp_path)
        assert answer.returncode == 0, answer.stderr
        assert f"{run / written}\n" in answer.stdout
        assert ".lock" not in answer.stdout
    trained_until = json.loads((run / "evaluation/val/metrics.json").read_text())["trained_until"]
    assert trained_until == trained.status()["time"]
    (run / "evaluation/val_cityscapes8").mkdir()
    shutil.copy(run / "evaluation/val/metrics.json", run / "evaluation/val_cityscapes8")
    other = "add name=ANOTHER to keep both, or overwrite=true"
    refused = [
        (views, other),
        (["regroup=cityscapes8"], other),
        (["regroup=cityscapes7", "checkpoint=last"], "was made with checkpoint best, not last; add checkpoint=best"),
        (["regroup=cityscapes7", "name=val_cityscapes7"], "val_cityscapes7 was itself regrouped; start from name=val"),
    ]
    for arguments, said in refused:
        answer = segexp("evaluate", f"run={run}", *arguments, folder=tmp_path)
        assert answer.returncode == 1
        assert said in answer.stderr
    answer = segexp("compare", f"runs={run}", "split=val_cityscapes7", "output=report", folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "report/report.html").is_file()


def test_a_run_that_failed_says_why_in_its_folder(small, tmp_path: Path) -> None:
    answer = segexp("train", *small("data.image_size=[10,10]"), f"hydra.run.dir={tmp_path / 'run'}")
    assert answer.returncode == 1
    assert "data.image_size is [10, 10]" in RunFolder(tmp_path / "run").status()["reason"]


@pytest.mark.parametrize(
    ("typed", "answered"),
    [
        (["name=.."], "name is '..'.*one folder"),
        (["name=."], "name is '.'.*one folder"),
        (["name=a/b"], "name is 'a/b'.*one folder"),
        (["name=5"], "name is 5.*one folder"),
        (["split=../val"], "name is '../val'.*one folder"),
        (["num_scenes=-1"], "num_scenes is -1.*at least 0"),
        (["regroup=../classes/cityscapes7"], "regroup is '../classes/cityscapes7'.*camvid11, city"),
        (["regroup=cityscapes7", "predictions=true", "flip=true"], "leave out.*predictions, flip"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused(trained: RunFolder, typed: list[str], answered: str) -> None:
    answer = segexp("evaluate", f"run={trained.path}", *typed)
    assert answer.returncode == 1
    assert answer.stderr.startswith("segexp.evaluate: ")
    assert all(part in answer.stderr for part in answered.split(".*"))
    assert "Traceback" not in answer.stderr


@pytest.fixture
def many_streets(streets_root: Path, tmp_path: Path) -> Path:
    """The validation scenes of small trainings, each under 100 names: more than an evaluation reads before it ends."""
    made = Streets(str(streets_root), 6, 3, 64, 128)
    for number, pair in enumerate(100 * made.pairs("val")):
        city = pair.image.parent.name
        for file in (pair.image, pair.mask, pair.instances):
            link = tmp_path / "many" / file.relative_to(streets_root)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.with_name(file.name.replace(pair.name, f"{city}_{number:06d}_000019")).hardlink_to(file)
    return tmp_path / "many"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_evaluation_that_is_ended_leaves_no_process(
    trained: RunFolder, many_streets: Path, tmp_path: Path, number, code: int
) -> None:
    run = Path(shutil.copytree(trained.path, tmp_path / "run"))
    shutil.rmtree(run / "evaluation", ignore_errors=True)
    slow = [f"data.root={many_streets}", "num_processes=2", "predictions=true", "scales=[6,7]"]
    command = [sys.executable, "-m", "segexp.evaluate", f"run={run}", *slow]
    listen = partial(signal.signal, signal.SIGINT, signal.default_int_handler)  # shells make background jobs deaf to it
    process = subprocess.Popen(
        command, cwd=Path(__file__).parents[2], preexec_fn=listen, start_new_session=True, stderr=subprocess.PIPE
    )
    try:
        partial_predictions = run / "evaluation/val/.predictions"
        assert _soon(lambda: any(partial_predictions.glob("*.png")))
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)  # as a terminal does: to all of them
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == code
        assert _soon(lambda: not _is_alive(process.pid))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if number == signal.SIGINT:
        assert said.decode().endswith("segexp.evaluate: interrupted\n")
        assert "Traceback" not in said.decode()
        assert not (run / "evaluation/val").exists()


def _soon(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.1)
    return is_so()


def _is_alive(group: int) -> bool:
    """Whether a process of the group runs; one that ended may still wait for somebody to ask for its exit status."""
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            found.append(os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE)
    return any(found)


def test_evaluate_of_no_run_says_so(tmp_path: Path) -> None:
    answer = segexp("evaluate", f"run={tmp_path / 'none'}")
    assert answer.returncode == 1
    assert "no run folder" in answer.stderr


def test_check_names_every_broken_file_and_draws_the_shares(tmp_path: Path) -> None:
    root = tmp_path / "camvid"
    generator = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in "abcde":
            (root / split).mkdir(parents=True, exist_ok=True)
            (root / f"{split}annot").mkdir(exist_ok=True)
            Image.new("RGB", (40, 40)).save(root / split / f"{name}.png")
            Image.fromarray(generator.integers(0, 12, (40, 40), np.uint8)).save(root / f"{split}annot/{name}.png")
    (root / "train/a.png").write_bytes((root / "train/a.png").read_bytes()[:60])
    (root / "trainannot/b.png").unlink()
    Image.new("L", (30, 40)).save(root / "trainannot/c.png")
    Image.new("L", (40, 40), 99).save(root / "valannot/d.png")
    picture = tmp_path / "shares.png"
    answer = segexp("check", "data=camvid", f"data.root={root}", "classes=camvid11", f"picture={picture}")
    said = " ".join(answer.stdout.split())
    assert answer.returncode == 1
    assert "train: 4 scenes, 3 problems" in said
    for problem in ("train/a.png cannot be decoded", "train/b.png has no mask", "c.png has 40 rows", "the ids [99]"):
        assert problem in said
    assert picture.is_file()


@pytest.mark.slow
def test_options_outside_the_repository_train_evaluate_and_resume(small, tmp_path: Path) -> None:
    (tmp_path / "conf/model").mkdir(parents=True)
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "from segexp.model.segmenter import Segmenter\n"
        "def tiny(num_classes, width):\n"
        "    layers = nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, num_classes, 1)\n"
        "    return Segmenter(nn.Sequential(*layers), stride=1)\n"
    )
    (tmp_path / "conf/model/mine.yaml").write_text("# mine\n_target_: mine.tiny\nwidth: 4\n")
    path = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}
    mine, run = ["--config-dir", str(tmp_path / "conf")], tmp_path / "run"
    overrides = [each for each in small("model=mine") if not each.startswith("model.")]
    answer = segexp("train", *mine, *overrides, f"hydra.run.dir={run}", **path)
    assert answer.returncode == 0, answer.stderr
    assert f"--config-dir {tmp_path / 'conf'}" in answer.stdout
    assert segexp("evaluate", *mine, f"run={run}", **path).returncode == 0
    answer = segexp("train", *mine, f"resume={run}", "trainer.max_epochs=2", **path)
    assert answer.returncode == 0, answer.stderr
    refused = segexp("evaluate", f"run={run}", **path)
    assert refused.returncode == 1
    assert "name the folder of your options by --config-dir" in refused.stderr


@pytest.mark.parametrize(
    ("number", "code", "state"), [(signal.SIGTERM, 143, "preempted"), (signal.SIGINT, 130, "failed")]
)
def test_a_signal_ends_a_training_with_its_code_and_state(small, tmp_path: Path, number, code: int, state: str) -> None:
    run = RunFolder(tmp_path / "run")
    typed = [*small("trainer.max_epochs=1000"), f"hydra.run.dir={run.path}"]
    process = ForkedModule("segexp.train", *typed, place=tmp_path, environment=environment())
    try:
        assert _soon(lambda: any(run.checkpoints.glob("last.ckpt")))
        process.send_signal(number)
        assert process.wait(PATIENCE) == code
    finally:
        process.kill()
        process.wait()
    assert run.state() == state
    lines = f"run folder  {run.path}\ncontinue    python -m segexp.train resume={run.path}\n"
    assert lines in process.errors.read_text()
