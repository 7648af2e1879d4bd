"""The cost of a step is measured on the step of a training, which asks the device for no value."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from segexp.benchmark.overhead import BareLoop, RepeatedBatch, sample_batch, time_steps, training_of
from segexp.benchmark.settings import StepCase, StepSettings
from segexp.benchmark.step import KEY, ONE_BATCH, measure, measure_end_to_end, report
from segexp.config.compose import compose, config_folder
from segexp.data.streets import Streets
from segexp.run.folder import RunFolder
from segexp.train.assemble import assemble
from segexp.types import Sample
from tests.training import start

CPU = torch.device("cpu")
TINY = ("model.streams=[4,8]", "model.num_columns_down=1", "model.num_columns_up=1")
CASE = StepCase(model="gridnet", batch=2, size=(32, 64), further=TINY)
SETTINGS = StepSettings.of(
    compose("benchmark")["step"] | {"rounds": 2, "num_steps": 2, "cpu": [CASE.model_dump()], "cuda": []}
)


@pytest.mark.parametrize("loss", sorted(path.stem for path in (config_folder() / "loss").glob("*.yaml")))
def test_a_step_never_waits_for_the_device(
    compose_small: Callable[..., Any], loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On torch's meta device, whose tensors have no values: torch raises where the host asks for one."""
    _, task, data, _ = assemble(compose_small(f"loss={loss}"), tmp_path)
    logged: list[torch.Tensor] = []
    monkeypatch.setattr(task, "log", lambda name, value, **_: logged.append(value))  # Lightning's needs a loop
    batch = sample_batch(CASE, data.grouping.num_classes)
    task.to("meta")
    task.training_step(Sample(batch.image.to("meta"), batch.target.to("meta"), ""), 0).backward()
    assert [value.is_meta for value in logged] == [True]
    with pytest.raises(RuntimeError, match="meta tensors"):
        task.train_loss.compute().item()


def test_the_bare_loop_trains_the_same_weights() -> None:
    case = CASE.model_copy(update={"further": (*TINY, "model.total_dropout=0")})
    with training_of(case, CPU, "trainer.max_epochs=1") as (_, task, data, trainer):
        before = {name: value.clone() for name, value in task.model.state_dict().items()}
        batch = sample_batch(case, data.grouping.num_classes)
        bare = BareLoop(task, case, CPU, 3)
        for _ in range(3):
            bare.step(batch)
        trainer.fit(task, RepeatedBatch(batch, 3))
    assert any(not torch.equal(before[name], value) for name, value in task.model.state_dict().items())
    for name, value in bare.model.state_dict().items():
        assert torch.equal(task.model.state_dict()[name], value), name


def test_both_are_timed_in_every_round() -> None:
    timer, memory = time_steps(CASE, CPU, num_steps=3, rounds=2)
    assert len(timer.bare_seconds) == len(timer.trainer_seconds) == 3
    assert all(seconds > 0 for seconds in timer.bare_seconds + timer.trainer_seconds)
    assert math.isnan(memory) or memory > 0


def test_a_record_has_its_rate_and_a_missing_gpu_is_reported() -> None:
    records = list(measure(SETTINGS, CPU, []))
    assert [record["part"] for record in records] == [ONE_BATCH]
    assert set(KEY) <= set(records[0])
    assert records[0]["images_per_second"] == pytest.approx(2000 / records[0]["trainer_milliseconds"])
    tables, lines = report(records, SETTINGS, CPU)
    assert list(tables) == ["training steps"]
    assert lines[-1].startswith("no GPU: ")


def test_overhead_beyond_the_limit_is_reported_for_long_steps_only() -> None:
    record = next(measure(SETTINGS, CPU, [])) | {"overhead": 0.04, "overhead_milliseconds": 8}
    long, short = (report([record | {"bare_milliseconds": each}], SETTINGS, CPU).lines for each in (200, 10))
    assert "beyond the limit: gridnet 2x32x64" in " ".join(long)
    assert "every case is within its limit" in short


def test_an_end_to_end_training_reads_the_classes_of_its_case_and_measures_how_long_it_waits(
    streets_root: Path, tmp_path: Path
) -> None:
    """The code is meant for a GPU, and runs on the CPU here."""
    case = CASE.model_copy(update={"size": (64, 128), "classes": "cityscapes7"})
    (record,) = measure_end_to_end([case], CPU, Streets(str(streets_root), 6, 3, 64, 128), str(tmp_path), num_steps=3)
    assert 0 < record["wait"] < 1
    assert record["busy"] is None
    assert record["images_per_second"] > 0


def test_fused_steps_are_those_of_the_plain_optimizer_where_gradients_are_clipped(
    compose_small: Callable[..., Any], tmp_path: Path
) -> None:
    weights = []
    for fused in ("true", "false"):
        further = ["optimizer=sgd", f"optimizer.fused={fused}", "precision=bfloat16"]
        start(compose_small(*further, "trainer.gradient_clip_val=0.01"), tmp_path / fused)
        checkpoint = RunFolder.open(tmp_path / fused).checkpoint("last")
        weights.append(torch.load(checkpoint, weights_only=True)["state_dict"])
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-4, atol=1e-5)


def test_a_fused_optimizer_leaves_scaling_back_to_whoever_clips(
    compose_small: Callable[..., Any], tmp_path: Path
) -> None:
    """With 16-mixed, which Lightning has on GPUs only, gradients are scaled back, clipped, and then used for a step."""
    for clip in ("1.0", "null"):
        values = compose_small("optimizer=sgd", f"trainer.gradient_clip_val={clip}")
        _, task, data, trainer = assemble(values, tmp_path)
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
