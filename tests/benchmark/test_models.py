"""The benchmark of models counts what is defined, and survives what goes wrong."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from segexp.benchmark.backend import OnnxNetwork, exported, left_out
from segexp.benchmark.case import Case, cases
from segexp.benchmark.cost import num_flops
from segexp.benchmark.figures import figures
from segexp.benchmark.measuring import Job
from segexp.benchmark.models import hopeless, measure
from segexp.benchmark.process import facts_of
from segexp.benchmark.report import fitness
from segexp.config.compose import compose
from tests.benchmark.networks import ENDLESS, TINY
from tests.model.options import OPTIONS, build_model

CPU = torch.device("cpu")
SMALL = Case("tiny", (64, 96), 1, "float32", "eager")


def job(folder: Path, case: Case = SMALL, config: dict[str, Any] = TINY, seconds: float = 0.5) -> Job:
    return Job(case, config, 5, seconds, math.nan, "cpu", folder)


def record(case: Case, milliseconds: float | None, note: str | None = None) -> dict[str, Any]:
    found = figures(case, {"seconds": [milliseconds / 1000] if milliseconds else None, "note": note})
    return {**case.key(), **found}


@pytest.mark.parametrize("option", OPTIONS)
def test_flops_are_two_for_every_multiply_add_of_a_convolution(option: str) -> None:
    counted: list[int] = []

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        pixels = output[0, 0] if isinstance(layer, nn.Conv2d) else inputs[0][0, 0]
        counted.append(2 * layer.weight.numel() * pixels.numel())  # each weight once a pixel, in groups too

    model = build_model(option, 5).eval()
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        model(torch.zeros(1, 3, 64, 96))
    assert sum(counted) == num_flops(build_model(option, 5), (64, 96))


def test_cases_are_every_combination_small_ones_and_references_first() -> None:
    found = list(cases(["a", "b"], [[64, 64], [32, 32]], [8, 1], ["bfloat16", "float32"], ["compiled", "eager"]))
    assert len(set(found)) == len(found) == 2 * 2 * 2 * 2 * 2
    assert all(found.index(case.reference) <= found.index(case) for case in found)
    assert [case.size[0] for case in found] == [32] * 16 + [64] * 16


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sizes": [[16, 64]]}, "needed is \\[height, width\\], each at least 32"),
        ({"sizes": [64]}, "models.sizes has 64"),
        ({"batches": [0]}, "needed are whole numbers from 1"),
        ({"backends": ["tensorrt"]}, "allowed: eager, compiled, onnxruntime"),
        ({"precisions": ["int8"]}, "allowed: float32, bfloat16, float16"),
    ],
)
def test_what_cannot_be_measured_is_named_with_what_can(wrong: dict[str, Any], said: str) -> None:
    right = {"sizes": [[64, 64]], "batches": [1], "precisions": ["float32"], "backends": ["eager"]}
    with pytest.raises(ValueError, match=said):
        list(cases(["a"], **(right | wrong)))


def test_figures_are_the_median_the_percentile_and_the_ratio_of_one_image() -> None:
    seconds = np.random.default_rng(0).random(40).tolist()
    case = Case("a", (64, 64), 8, "float32", "eager")
    found = figures(case, {"seconds": seconds, "reference_seconds": [0.5, 0.25, 1.0]})
    assert found["milliseconds"] == pytest.approx(1000 * np.median(seconds))
    assert found["p95_milliseconds"] == pytest.approx(1000 * np.percentile(seconds, 95))
    assert found["frames_per_second"] == pytest.approx(8 / np.median(seconds))
    assert found["ratio"] == pytest.approx(np.median(seconds) / 8 / 0.5)
    assert figures(case, {"seconds": seconds[:19]})["p95_milliseconds"] is None
    assert figures(case, {"seconds": seconds})["ratio"] is None


def test_a_case_whose_smaller_one_was_slow_or_failed_is_not_tried() -> None:
    small, large = Case("a", (64, 64), 1, "float32", "eager"), Case("a", (64, 64), 8, "float32", "eager")
    assert hopeless(large, 10, [(small, record(small, 1000))]) is None
    assert hopeless(large, 10, [(small, record(small, 2000))]) == "not tried: about 16 s a pass, from 64x64 batch 1"
    failed = [(small, record(small, None, "out of memory"))]
    assert hopeless(large, 10, failed) == "not tried, as 64x64 batch 1: out of memory"
    assert hopeless(Case("a", (64, 64), 8, "float32", "compiled"), 10, failed) is None


def test_fitness_names_each_model_in_its_fastest_way() -> None:
    found = [
        record(Case(name, (64, 64), 1, "float32", "eager"), ms) for name, ms in (("a", 20), ("b", 40), ("c", None))
    ]
    found.append(record(Case("a", (64, 64), 1, "float32", "compiled"), 10))
    assert fitness(found, 30) == "30 frames per second are reached by a (compiled float32, 100)"
    assert fitness(found, 200).endswith(
        "no model reaches 200 frames per second; the fastest is a (compiled float32, 100)"
    )


def test_onnx_runtime_is_left_out_where_it_cannot_run_and_nothing_else_is() -> None:
    found = left_out(["eager", "compiled", "onnxruntime"], ["float32", "bfloat16"], CPU)
    assert list(found) == [("bfloat16", "onnxruntime")]
    cuda = left_out(["onnxruntime"], ["float32"], torch.device("cuda"))
    assert "CUDAExecutionProvider" in cuda["float32", "onnxruntime"]  # the CPU package is what is installed


@pytest.mark.filterwarnings("ignore")  # of the exporter
def test_onnx_runtime_gives_the_logits_of_torch(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    network, image = wanted.network(), wanted.image()
    exported(network, image, tmp_path / "network.onnx")
    found = OnnxNetwork(tmp_path / "network.onnx", image, 5)(image)
    with torch.inference_mode():
        torch.testing.assert_close(found, network(image), rtol=1e-3, atol=1e-4)


def test_memory_is_weights_and_features_without_libraries(tmp_path: Path) -> None:
    hungry = {"_target_": "tests.benchmark.networks.hungry"}
    facts = facts_of(job(tmp_path, config=hungry, seconds=60), 60)
    assert facts["memory"] == pytest.approx(300e6, rel=0.05)
    assert facts["note"] == "RuntimeError: once is enough"


@pytest.mark.slow
def test_memory_of_a_compiled_network_is_without_the_compiler(tmp_path: Path) -> None:
    """Whose libraries take 80 MB; what this network holds beyond its eager self are some 10."""
    cases = [Case("tiny", (64, 96), 1, "float32", backend) for backend in ("eager", "compiled")]
    eager, fast = (facts_of(job(tmp_path, case), 600)["memory"] for case in cases)
    assert fast - eager < 45e6


def test_a_pass_beyond_the_limit_is_ended_and_said(tmp_path: Path) -> None:
    facts = facts_of(job(tmp_path, config=ENDLESS), 600)
    assert facts["note"] == "a pass takes over 0.5 s"
    assert facts["parameters"] == 0


def test_what_needs_more_memory_than_there_is_ends_alone(tmp_path: Path) -> None:
    height, width = 32768, 65536
    batch = math.ceil(2 * psutil.virtual_memory().total / (3 * height * width))
    case = Case("tiny", (height, width), batch, "float32", "eager")
    assert facts_of(job(tmp_path, case), 600)["note"] == "out of memory"


def test_a_crash_ends_one_case_and_leaves_its_last_words(tmp_path: Path) -> None:
    crash = {"_target_": "tests.benchmark.networks.crash"}
    facts = facts_of(job(tmp_path, config=crash), 60)
    assert facts["note"] == "its process ended by SIGABRT: these are my last words"


def test_an_error_of_a_network_is_its_note(tmp_path: Path) -> None:
    facts = facts_of(job(tmp_path, config=TINY | {"streams": []}), 60)
    assert facts["note"] == "ValueError: gridnet: streams is []; allowed: one channel count of 1 or more per stream"


def test_no_case_is_started_after_its_time_and_what_is_known_is_told(tmp_path: Path) -> None:
    settings = compose("benchmark")["models"] | {"max_minutes": 0, "options": ["gridnet"]}
    assert list(measure(**settings, device=CPU, earlier=[])) == []
    names = ("num_classes", "max_seconds", "max_preparation_seconds")
    config = compose("train", ["model=gridnet"])["model"]
    case = Case("gridnet", (512, 1024), 1, "float32", "compiled")
    known = {**record(case, 5), "parameters": 1, "config": config, **{name: settings[name] for name in names}}
    assert list(measure(**settings, device=CPU, earlier=[known])) == [known]
    of_another_version = {name: value for name, value in known.items() if name != "memory"}
    assert list(measure(**settings, device=CPU, earlier=[of_another_version])) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"options": ["gird"]}, "models.options has \\['gird'\\]; options of model: deeplabv3plus"),
        ({"options": "gridnet"}, "models.options is 'gridnet'; needed is a list: models.options=\\[gridnet\\]"),
        ({"backends": "eager"}, "models.backends is 'eager'; needed is a list: models.backends=\\[eager\\]"),
        ({"precisions": None}, "models.precisions is None; needed is a list"),
        ({"precisions": [["float32"]]}, "models.precisions has .*; allowed: float32"),
        ({"sizes": 64}, "models.sizes is 64; needed is a list"),
        ({"batches": 1}, "models.batches is 1; needed is a list: models.batches=\\[1\\]"),
        ({"max_seconds": 0}, "models.max_seconds is 0; needed is a number above 0"),
        (
            {"precisions": ["bfloat16"], "backends": ["onnxruntime"]},
            "nothing to measure; left out: onnxr",
        ),
    ],
)
def test_a_mistake_is_answered_before_anything_is_measured(wrong: dict[str, Any], said: str) -> None:
    settings = compose("benchmark")["models"]
    with pytest.raises(ValueError, match=said):
        next(measure(**(settings | wrong), device=CPU, earlier=[]))
