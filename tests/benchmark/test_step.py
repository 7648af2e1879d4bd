"""What a step costs is measured on the step that training takes, which asks the device for nothing."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from segexp.benchmark import step
from segexp.benchmark.step import ALONE, KEY, measure, report
from segexp.benchmark.stepping import BareLoop, Case, Repeated, sample_batch, steps_in_turn, training_of
from segexp.config.compose import config_folder
from segexp.data.streets import Streets
from segexp.run.folder import RunFolder
from segexp.train.assemble import assemble
from segexp.types import Sample
from tests.training import start

CPU = torch.device("cpu")
TINY = ("model.streams=[4,8]", "model.num_columns_down=1", "model.num_columns_up=1")
CASE = {"model": "gridnet", "batch": 2, "size": [32, 64], "further": TINY}
PLACES = {"streets": {"root": "streets"}, "cache_root": "arrays"}
SETTINGS = {"rounds": 2, "num_steps": 2, "num_fed_steps": 1, "cuda": [], **PLACES}


@pytest.mark.parametrize("loss", sorted(path.stem for path in (config_folder() / "loss").glob("*.yaml")))
def test_a_step_never_waits_for_the_device(
    compose_small: Callable[..., Any], loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On torch's meta device, whose tensors have no values: torch raises where the host asks for one."""
    task, data, _ = assemble(compose_small(f"loss={loss}"), tmp_path)
    logged: list[torch.Tensor] = []
    monkeypatch.setattr(task, "log", lambda name, value, **_: logged.append(value))  # Lightning's needs a loop
    batch = sample_batch(Case("gridnet", 2, (32, 64)), data.grouping.num_classes)
    task.to("meta")
    task.training_step(Sample(batch.image.to("meta"), batch.target.to("meta"), ""), 0).backward()
    assert [value.is_meta for value in logged] == [True]
    with pytest.raises(RuntimeError, match="meta tensors"):
        task.train_loss.compute().item()


def test_the_bare_loop_trains_the_same_weights() -> None:
    case = Case("gridnet", 2, (32, 64), further=(*TINY, "model.total_dropout=0"))
    with training_of(case, CPU, "trainer.max_epochs=1") as (task, data, trainer):
        before = {name: value.clone() for name, value in task.model.state_dict().items()}
        batch = sample_batch(case, data.grouping.num_classes)
        bare = BareLoop(task, case, CPU, 3)
        for _ in range(3):
            bare.step(batch)
        trainer.fit(task, Repeated(batch, 3))
    assert any(not torch.equal(before[name], value) for name, value in task.model.state_dict().items())
    for name, value in bare.model.state_dict().items():
        assert torch.equal(task.model.state_dict()[name], value), name


def test_both_are_timed_in_every_round() -> None:
    turns, memory = steps_in_turn(Case("gridnet", 1, (32, 64), further=TINY), CPU, num_steps=3, rounds=2)
    assert len(turns.bare_seconds) == len(turns.trainer_seconds) == 3
    assert all(seconds > 0 for seconds in turns.bare_seconds + turns.trainer_seconds)
    assert math.isnan(memory) or memory > 0


def test_a_record_has_its_ratio_and_a_gpu_that_is_not_there_is_a_line() -> None:
    records = list(measure(**SETTINGS, cpu=[CASE], device=CPU))
    assert [record["part"] for record in records] == [ALONE]
    assert set(KEY) <= set(records[0])
    assert records[0]["images_per_second"] == pytest.approx(2000 / records[0]["trainer_milliseconds"])
    found = report(records, device=CPU)
    assert list(found.tables) == ["training steps"]
    assert found.lines[-1].startswith("no GPU: ")


def test_overhead_beyond_the_limit_is_said_of_long_steps_alone() -> None:
    record = next(iter(measure(**SETTINGS, cpu=[CASE], device=CPU))) | {"overhead": 0.04, "overhead_milliseconds": 8}
    assert "beyond the limit: gridnet 2x32x64" in " ".join(report([record | {"bare_milliseconds": 200}], CPU).lines)
    assert "every case is within its limit" in report([record | {"bare_milliseconds": 10}], CPU).lines


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cpu": [{"model": "gridnet"}]}, "it needs model, batch and size; allowed: model, batch, size, classes"),
        ({"cpu": [CASE | {"modle": 1}]}, "allowed: model, batch, size, classes"),
        ({"cpu": [CASE | {"precision": "16-mixed"}]}, "allowed: 32-true, bf16-mixed"),
        ({"cpu": [CASE | {"size": [8, 8]}]}, "needed is \\[height, width\\], each at least 32"),
        ({"cpu": [CASE | {"batch": 0}]}, "batch of a case of step is 0"),
        ({"cpu": CASE}, "step.cpu is .*; needed is a list"),
        ({"cpu": ["gridnet"]}, "a case of step is 'gridnet'; needed is {model: "),
        ({"cpu": [CASE], "rounds": 0}, "step.rounds is 0"),
        ({"cpu": [CASE | {"further": "seed=1"}]}, "further of a case of step is 'seed=1'; needed is a list"),
        ({"cpu": [CASE | {"further": [5]}]}, "further of a case of step is \\[5\\]; needed is a list of overrides"),
        ({"cpu": [CASE], "streets": 5}, "step.streets is 5; needed are root and any of num_train, "),
    ],
)
def test_a_case_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        next(iter(measure(**{**SETTINGS, **wrong}, device=CPU)))


def test_a_fed_training_reads_the_classes_of_its_case_and_says_how_long_it_waited(
    streets_root: Path, tmp_path: Path
) -> None:
    """On the CPU, where the same code runs that is meant for a GPU."""
    case = Case("gridnet", 2, (64, 128), classes="cityscapes7", further=TINY)
    (record,) = step.fed([case], CPU, Streets(str(streets_root), 6, 3, 64, 128), str(tmp_path), num_steps=3)
    assert 0 < record["wait"] < 1
    assert record["busy"] is None
    assert record["images_per_second"] > 0


def test_fused_steps_are_those_of_the_plain_optimizer_where_gradients_are_clipped(
    compose_small: Callable[..., Any], tmp_path: Path
) -> None:
    weights = []
    for fused in ("true", "false"):
        further = ["optimizer=sgd", f"optimizer.fused={fused}", "trainer.precision=bf16-mixed"]
        start(compose_small(*further, "trainer.gradient_clip_val=0.01"), tmp_path / fused)
        checkpoint = RunFolder.open(tmp_path / fused).checkpoint("last")
        weights.append(torch.load(checkpoint, weights_only=True)["state_dict"])
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-4, atol=1e-5)


def test_a_fused_optimizer_leaves_scaling_back_to_whoever_clips(
    compose_small: Callable[..., Any], tmp_path: Path
) -> None:
    """As in 16-mixed, which Lightning does on GPUs only: gradients are scaled back, clipped, and stepped with."""
    for clip in ("1.0", "null"):
        values = compose_small("optimizer=sgd", f"trainer.gradient_clip_val={clip}")
        task, data, trainer = assemble(values, tmp_path)
        trainer.strategy.connect(task)
        task.trainer, trainer.datamodule = trainer, data
        trainer._data_connector.attach_data(task, datamodule=data)
        optimizer = task.configure_optimizers()["optimizer"]
        assert getattr(optimizer, "_step_supports_amp_scaling", False) is (clip == "null")
    plain = torch.nn.Parameter(torch.ones(3))
    fused = torch.optim.SGD([plain], lr=0.1, fused=True)
    fused._step_supports_amp_scaling = False  # type: ignore[attr-defined]
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(30 * plain.sum()).backward()
    scaler.unscale_(fused)
    torch.nn.utils.clip_grad_norm_([plain], 1.0)
    scaler.step(fused)
    torch.testing.assert_close(plain.data, torch.ones(3) - 0.1 / 3**0.5)
