"""The benchmark of models counts by definition, and one failing case does not end the others."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from segmentation_models_pytorch.encoders.mix_transformer import Attention
from torch import nn

from segexp.benchmark.backend import OnnxNetwork, export_network, unavailable
from segexp.benchmark.cost import num_flops, num_parameters
from segexp.benchmark.isolated_process import measure_in_process
from segexp.benchmark.measurement import MeasurementTask
from segexp.benchmark.model_case import ModelCase, every_case
from segexp.benchmark.model_record import model_record
from segexp.benchmark.model_tables import speed_summary
from segexp.benchmark.models import measure, reason_to_skip
from segexp.benchmark.settings import ModelsSettings
from segexp.config.compose import compose
from segexp.types import Values
from tests.benchmark.networks import ENDLESS, PLAIN, TINY
from tests.model.options import OPTIONS, small_model
from tests.options import option_settings

CPU = torch.device("cpu")
SMALL = ModelCase("tiny", (64, 96), 1, "float32", "eager")


def settings(**values: Any) -> ModelsSettings:
    return ModelsSettings.of(compose("benchmark")["models"] | values)


def task(folder: Path, case: ModelCase = SMALL, config: Values = TINY, seconds: float = 0.5) -> MeasurementTask:
    return MeasurementTask(case, config, 5, seconds, math.nan, "cpu", folder)


def record(case: ModelCase, milliseconds: float | None, note: str | None = None) -> Values:
    facts = {"seconds": [milliseconds / 1000] if milliseconds else None, "note": note}
    return {**case.key(), **model_record(case, facts)}


def test_parameters_are_those_that_predict(tmp_path: Path) -> None:
    config = {**option_settings("model", "pspnet"), "encoder": "resnet18"}
    plain, supervised = (task(tmp_path, config=config | {"auxiliary_stages": stages}) for stages in (None, [4]))
    assert num_parameters(supervised.network()) == num_parameters(plain.network())


@pytest.mark.parametrize("option", OPTIONS)
def test_flops_are_two_for_every_multiply_add_of_a_convolution_and_of_attention(option: str) -> None:
    counts: list[int] = []

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
        uses = (inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output).numel()
        channels = layer.in_channels if isinstance(layer, nn.ConvTranspose2d) else layer.weight.shape[0]
        counts.append(2 * layer.weight.numel() * uses // channels)  # each weight once a pixel, in groups too

    model = small_model(option, 5).eval()
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.register_forward_hook(count)
        if isinstance(layer, Attention):
            width = layer.q.out_features // layer.num_heads  # of a product for each weight, and of one with it
            layer.attn_drop.register_forward_hook(lambda _, __, out, w=width: counts.append(4 * w * out.numel()))
    with torch.inference_mode():
        model(torch.zeros(1, 3, 64, 96))
    assert sum(counts) == num_flops(small_model(option, 5), (64, 96))


def test_cases_are_every_combination_small_ones_and_references_first() -> None:
    lists = {"sizes": [[64, 64], [32, 32]], "batches": [8, 1]}
    lists |= {"precisions": ["bfloat16", "float32"], "backends": ["compiled", "eager"]}
    cases = list(every_case(["a", "b"], settings(**lists)))
    assert len(set(cases)) == len(cases) == 2 * 2 * 2 * 2 * 2
    assert all(cases.index(case.reference) <= cases.index(case) for case in cases)
    assert [case.size[0] for case in cases] == [32] * 16 + [64] * 16


def test_a_record_has_the_median_the_percentile_and_the_ratio_of_one_image() -> None:
    seconds = np.random.default_rng(0).random(40).tolist()
    case = ModelCase("a", (64, 64), 8, "float32", "eager")
    result = model_record(case, {"seconds": seconds, "reference_seconds": [0.5, 0.25, 1.0]})
    assert result["milliseconds"] == pytest.approx(1000 * np.median(seconds))
    assert result["p95_milliseconds"] == pytest.approx(1000 * np.percentile(seconds, 95))
    assert result["frames_per_second"] == pytest.approx(8 / np.median(seconds))
    assert result["ratio"] == pytest.approx(np.median(seconds) / 8 / 0.5)
    assert model_record(case, {"seconds": seconds[:19]})["p95_milliseconds"] is None
    assert model_record(case, {"seconds": seconds})["ratio"] is None


def test_a_case_whose_smaller_one_was_slow_or_failed_is_not_tried() -> None:
    small, large = ModelCase("a", (64, 64), 1, "float32", "eager"), ModelCase("a", (64, 64), 8, "float32", "eager")
    assert reason_to_skip(large, 10, [(small, record(small, 1000))]) is None
    assert (
        reason_to_skip(large, 10, [(small, record(small, 2000))]) == "not tried: about 16 s a pass, from 64x64 batch 1"
    )
    failed = [(small, record(small, None, "out of memory"))]
    assert reason_to_skip(large, 10, failed) == "not tried, as 64x64 batch 1: out of memory"
    assert reason_to_skip(ModelCase("a", (64, 64), 8, "float32", "compiled"), 10, failed) is None


def test_the_speed_summary_names_each_model_in_its_fastest_case() -> None:
    records = [
        record(ModelCase(name, (64, 64), 1, "float32", "eager"), ms) for name, ms in (("a", 20), ("b", 40), ("c", None))
    ]
    records.append(record(ModelCase("a", (64, 64), 1, "float32", "compiled"), 10))
    assert speed_summary(records, 30) == "30 frames per second are reached by a (compiled float32, 100)"
    assert speed_summary(records, 200).endswith(
        "no model reaches 200 frames per second; the fastest is a (compiled float32, 100)"
    )


def test_onnx_runtime_is_left_out_where_it_cannot_run_and_nothing_else_is() -> None:
    on_cpu = unavailable(["eager", "compiled", "onnxruntime"], ["float32", "bfloat16"], CPU)
    assert list(on_cpu) == [("bfloat16", "onnxruntime")]
    on_gpu = unavailable(["onnxruntime"], ["float32"], torch.device("cuda"))
    assert "CUDAExecutionProvider" in on_gpu["float32", "onnxruntime"]  # the installed package is that for CPUs


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the exporter
def test_onnx_runtime_gives_the_logits_of_torch(tmp_path: Path) -> None:
    network, image = task(tmp_path).network(), task(tmp_path).image()
    export_network(network, image, tmp_path / "network.onnx")
    logits = OnnxNetwork(tmp_path / "network.onnx", image, 5)(image)
    with torch.inference_mode():
        torch.testing.assert_close(logits, network(image), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_memory_is_weights_and_features_without_libraries(tmp_path: Path) -> None:
    hungry = {"_target_": "tests.benchmark.networks.hungry"}
    facts = measure_in_process(task(tmp_path, config=hungry, seconds=60), 60)
    assert facts["memory"] == pytest.approx(300e6, rel=0.05)
    assert facts["note"] == "RuntimeError: once is enough"


@pytest.mark.slow
def test_memory_of_a_compiled_network_is_without_the_compiler(tmp_path: Path) -> None:
    """The compiler's libraries take 80 MB; the compiled network holds some 10 MB more than the eager one."""
    cases = [ModelCase("plain", (64, 96), 1, "float32", backend) for backend in ("eager", "compiled")]
    eager, compiled = (measure_in_process(task(tmp_path, case, PLAIN), 600)["memory"] for case in cases)
    assert compiled - eager < 45e6


@pytest.mark.slow
def test_a_pass_beyond_the_limit_is_ended_and_noted(tmp_path: Path) -> None:
    facts = measure_in_process(task(tmp_path, config=ENDLESS), 600)
    assert facts["note"] == "a pass takes over 0.5 s"
    assert facts["parameters"] == 0


@pytest.mark.slow
def test_a_case_that_needs_more_memory_than_there_is_ends_alone(tmp_path: Path) -> None:
    height, width = 32768, 65536
    batch = math.ceil(2 * psutil.virtual_memory().total / (3 * height * width))
    case = ModelCase("tiny", (height, width), batch, "float32", "eager")
    assert measure_in_process(task(tmp_path, case), 600)["note"] == "out of memory"


@pytest.mark.slow
def test_a_crash_ends_one_case_and_leaves_its_last_words(tmp_path: Path) -> None:
    crash = {"_target_": "tests.benchmark.networks.crash"}
    facts = measure_in_process(task(tmp_path, config=crash), 60)
    assert facts["note"] == "its process ended by SIGABRT: these are my last words"


@pytest.mark.slow
def test_an_error_of_a_network_is_its_note(tmp_path: Path) -> None:
    facts = measure_in_process(task(tmp_path, config=TINY | {"streams": []}), 60)
    assert facts["note"].startswith("ValueError: gridnet: streams is []; allowed: ")


def test_no_case_is_started_after_its_time_and_earlier_records_are_reused(tmp_path: Path) -> None:
    no_time = settings(max_minutes=0, options=["gridnet"])
    assert list(measure(no_time, CPU, [])) == []
    names = ("num_classes", "max_seconds", "max_preparation_seconds")
    config = compose("train", ["model=gridnet"])["model"]
    case = ModelCase("gridnet", (512, 1024), 1, "float32", "compiled")
    known = {**record(case, 5), "parameters": 1, "config": config, **{name: getattr(no_time, name) for name in names}}
    assert list(measure(no_time, CPU, [known])) == [known]
    of_earlier_version = {name: value for name, value in known.items() if name != "memory"}
    assert list(measure(no_time, CPU, [of_earlier_version])) == []


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        ({"options": ["gird"]}, ("models.options has ['gird']", "deeplabv3plus", "gridnet", "null for all")),
        (
            {"precisions": ["bfloat16"], "backends": ["onnxruntime"]},
            ("nothing to measure", "left out: onnxruntime bfloat16: ", "models.backends"),
        ),
    ],
)
def test_settings_with_nothing_to_measure_are_refused(values: dict[str, Any], facts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(facts[0])) as refusal:
        next(measure(settings(**values), CPU, []))
    assert [fact for fact in facts if fact not in str(refusal.value)] == [], refusal.value
