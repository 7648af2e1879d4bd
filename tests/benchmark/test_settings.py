"""A setting that no suite can have is refused with its place, its value and what is allowed."""

import re
from typing import Any

import pytest

from segexp.benchmark.settings import SUITES, BenchmarkSettings, StepCase
from segexp.config.compose import compose
from segexp.types import Values

CASE = {"model": "gridnet", "batch": 2, "size": [32, 64]}
WRONG: list[tuple[str, Any, tuple[str, ...]]] = [
    ("suite", ["loses", "models"], ("suite is ['loses', 'models']", "losses, models", "null for all")),
    ("suite", [], ("suite is []", "losses, models")),
    ("output", 2024, ("output is 2024", "the path of a folder", "./2024")),
    ("overwrite", "yes", ("overwrite is 'yes'", "true, false")),
    ("losses.options", "dice", ("losses.options is 'dice'", "null", "a list: losses.options=[dice]")),
    ("losses.rounds", 0, ("losses.rounds is 0", "a whole number of at least 1")),
    ("losses.shapes", [1, 3, 32, 32], ("losses.shapes is [1, 3, 32, 32]", "[batch, classes, height, width]")),
    ("losses.shapes", [[1, 3, 32]], ("losses.shapes is [[1, 3, 32]]", "losses.shapes=[[1,3,32,32]]")),
    ("losses.shapes", 3, ("losses.shapes is 3", "a list of one or more")),
    ("losses.shapes", [], ("losses.shapes is []", "a list of one or more")),
    ("losses.scales", 1, ("losses.scales is 1", "a list of one or more numbers above 0", "losses.scales=[1,20]")),
    ("losses.scales", [], ("losses.scales is []", "a list of one or more numbers")),
    ("losses.scales", ["large"], ("losses.scales is ['large']", "numbers above 0")),
    ("models.options", "gridnet", ("models.options is 'gridnet'", "null", "models.options=[gridnet]")),
    ("models.sizes", [[16, 64]], ("models.sizes is [[16, 64]]", "[height, width], each at least 32")),
    ("models.sizes", [64], ("models.sizes is [64]", "[height, width]")),
    ("models.sizes", 64, ("models.sizes is 64", "a list of one or more [height, width]")),
    ("models.sizes", [], ("models.sizes is []", "a list of one or more")),
    ("models.batches", [0], ("models.batches is [0]", "whole numbers of at least 1")),
    ("models.batches", 1, ("models.batches is 1", "a list of one or more", "models.batches=[1,8]")),
    ("models.backends", ["tensorrt"], ("models.backends is ['tensorrt']", "eager, compiled, onnxruntime")),
    ("models.backends", "eager", ("models.backends is 'eager'", "a list of one or more", "models.backends=[eager]")),
    ("models.precisions", ["int8"], ("models.precisions is ['int8']", "float32, bfloat16, float16")),
    ("models.precisions", None, ("models.precisions is null", "a list of one or more")),
    ("models.precisions", [["float32"]], ("models.precisions is [['float32']]", "float32, bfloat16, float16")),
    ("models.max_seconds", 0, ("models.max_seconds is 0", "a number above 0")),
    ("models.max_minutes", -1, ("models.max_minutes is -1", "null", "a number of at least 0")),
    ("input.crop", [2000, 64], ("input.crop is [2000, 64]", "[height, width] within 1024x2048", "input.streets")),
    ("input.crop", None, ("input.crop is null", "[height, width]")),
    ("input.num_workers", [], ("input.num_workers is []", "the last of them above 0")),
    ("input.num_workers", [0], ("input.num_workers is [0]", "the last of them above 0")),
    ("input.num_workers", ["many", 1], ("input.num_workers.0 is 'many'", "a whole number of at least 0")),
    ("input.num_workers", 2, ("input.num_workers is 2", "a list: input.num_workers=[2]")),
    ("input.caches", "disk", ("input.caches is 'disk'", "memory, disk", "input.caches=[disk]")),
    ("input.caches", ["disc"], ("input.caches is ['disc']", "memory, disk")),
    ("input.num_epochs", 2, ("input.num_epochs is 2", "at least 3")),
    ("input.seconds", "long", ("input.seconds is 'long'", "a number above 0")),
    ("input.streets", 5, ("input.streets is 5", "input.streets.KEY=VALUE")),
    ("input.streets.scenes", 9, ("'input.streets.scenes'", "root, num_train, num_val, height, width, seed")),
    ("input.streets.root", 5, ("input.streets.root is 5", "the path of a folder", "./2024")),
    ("input.streets.height", "high", ("input.streets.height is 'high'", "at least 32")),
    ("input.streets.num_train", 0, ("input.streets.num_train is 0", "at least 1")),
    ("input.cache_root", 5, ("input.cache_root is 5", "the path of a folder")),
    ("step.cpu", CASE, ("step.cpu is {", "a list")),
    ("step.cpu", ["gridnet"], ("step.cpu", "'gridnet'", "{model: ..., batch: ..., size: [height, width]}")),
    ("step.cpu", [{"model": "gridnet"}], ("step.cpu.0.batch", "required")),
    ("step.cpu", [CASE | {"modle": 1}], ("'step.cpu.0.modle'", "model, batch, size, classes")),
    (
        "step.cpu",
        [CASE | {"precision": "16-mixed"}],
        ("step.cpu.0.precision is '16-mixed'", "auto, float32, bfloat16, float16"),
    ),
    ("step.cpu", [CASE | {"size": [8, 8]}], ("step.cpu.0.size is [8, 8]", "[height, width], each at least 32")),
    ("step.cpu", [CASE | {"batch": 0}], ("step.cpu.0.batch is 0", "at least 1")),
    ("step.cpu", [CASE | {"further": "seed=1"}], ("step.cpu.0.further is 'seed=1'", "a list of overrides", "[seed=1]")),
    ("step.cpu", [CASE | {"further": [5]}], ("step.cpu.0.further is [5]", "a list of overrides")),
    ("step.rounds", 0, ("step.rounds is 0", "at least 1")),
    ("step.streets", 5, ("step.streets is 5", "step.streets.KEY=VALUE")),
    ("baseline.parts", ["speed"], ("baseline.parts is ['speed']", "start, train, predict", "baseline.parts=[train]")),
    ("baseline.parts", [], ("baseline.parts is []", "a list of one or more of start, train, predict")),
    ("baseline.worktree", 5, ("baseline.worktree is 5", "the path of a folder")),
    ("baseline.overrides.this", "seed=1", ("baseline.overrides.this is 'seed=1'", "a list of overrides")),
    ("baseline.train.cases", [{"batch": 2}], ("baseline.train.cases.0.overrides", "required")),
    ("baseline.predict.num_images", 1, ("baseline.predict.num_images is 1", "a whole number of at least 2")),
    ("suite", ["baseline"], ("baseline.worktree is null", "git worktree add FOLDER COMMIT")),
    ("startup.limits", "train --help", ("startup.limits is 'train --help'", "startup.limits.KEY=VALUE")),
    ("startup.limits", {"train --help": "soon"}, ("startup.limits.train --help is 'soon'", "seconds above 0", "null")),
]


@pytest.mark.parametrize(("key", "value", "facts"), WRONG)
def test_a_wrong_setting_is_named(key: str, value: Any, facts: tuple[str, ...]) -> None:
    values = compose("benchmark")
    *parents, last = key.split(".")
    node: Values = values
    for parent in parents:
        node = node[parent]
    node[last] = value
    with pytest.raises(ValueError, match=re.escape(facts[0])) as refusal:
        BenchmarkSettings.of(values)
    assert [fact for fact in facts if fact not in str(refusal.value)] == [], refusal.value


@pytest.mark.parametrize(
    ("suite", "suites"),
    [("models", ("models",)), (["step", "losses", "step"], ("step", "losses")), (None, SUITES[:-1])],
)
def test_one_several_or_all_suites_can_be_chosen(suite: Any, suites: tuple[str, ...]) -> None:
    assert BenchmarkSettings.of(compose("benchmark") | {"suite": suite}).suite == suites


def test_the_default_reads_crops_of_cityscapes_own_size() -> None:
    settings = BenchmarkSettings.of(compose("benchmark")).input
    assert (settings.streets.height, settings.streets.width) == (1024, 2048)
    assert settings.num_workers[-1] == 4


def test_a_case_of_steps_is_named_in_its_record() -> None:
    record = StepCase(model="gridnet", batch=2, size=(32, 64), further=("seed=1", "compile=true")).record()
    assert (record["size"], record["further"]) == ("32x64", "seed=1 compile=true")
