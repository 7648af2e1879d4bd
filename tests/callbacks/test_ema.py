"""The average of the weights is what its definition says, what a validation sees, and never taken for the weights."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from segexp.callbacks.ema import AverageWeights
from segexp.run.checkpoint import model_part
from tests.sharded_on_cpu import ShardedOnCpu

pytestmark = pytest.mark.fast
State = dict[str, Tensor]
DECAY = 0.25  # reached by the warm-up in the third step
BATCHES = torch.linspace(-1, 1, 6 * 4 * 3).mul(9).sin().reshape(6, 4, 3)


class Task(lightning.LightningModule):
    """A network with batch normalisation; it notes its state after each optimizer step."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        self.states: list[State] = [copy_of(self)]
        self.validated: list[State] = []

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        return (self.model(batch) - 1).square().mean()

    def validation_step(self, batch: Tensor, batch_index: int) -> None:
        self.validated.append(copy_of(self))

    def on_train_batch_end(self, outputs: Any, batch: Tensor, batch_index: int) -> None:
        if self.trainer.global_step == len(self.states):
            self.states.append(copy_of(self))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.02, momentum=0.9)


class Watch(Callback):
    """Notes what the network holds at the end of each validation, and calls `act` there."""

    def __init__(self, act: Callable[[lightning.Trainer], None] = lambda trainer: None) -> None:
        self.act = act
        self.seen: list[State] = []

    def on_validation_end(self, trainer, task) -> None:
        self.seen.append(copy_of(task))
        self.act(trainer)


def copy_of(task: lightning.LightningModule) -> State:
    return {name: value.clone() for name, value in task.model.state_dict().items()}  # type: ignore[union-attr, operator]


def fit(callbacks: Sequence[Callback], checkpoint: Path | None = None, **settings: Any) -> Task:
    task = Task()
    trainer = lightning.Trainer(
        callbacks=list(callbacks),
        **{"max_epochs": 1, "num_sanity_val_steps": 0, "accelerator": "cpu", "logger": False, **settings},
        enable_checkpointing=any(isinstance(each, ModelCheckpoint) for each in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batches = DataLoader(BATCHES, batch_size=None)
        trainer.fit(task, batches, DataLoader(BATCHES[:1], batch_size=None), ckpt_path=checkpoint, weights_only=True)
    return task


def average_by_definition(states: Sequence[State]) -> State:
    average = {name: value.double() for name, value in states[0].items()}
    for n, state in enumerate(states[1:]):
        decay = min(DECAY, (1 + n) / (10 + n))
        average = {name: decay * average[name] + (1 - decay) * value.double() for name, value in state.items()}
    return average


def assert_average(found: State, wanted: State) -> None:
    for name, value in found.items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(value, wanted[name].float(), msg=name)


@pytest.mark.parametrize("num_batches", [1, 2, 4])
def test_the_average_is_that_of_its_definition_after_each_optimizer_step(num_batches: int) -> None:
    """num_batches: that an optimizer step accumulates; the last step of an epoch may have fewer."""
    average = AverageWeights(DECAY)
    task = fit([average], accumulate_grad_batches=num_batches)
    assert len(task.states) == 1 + -(-6 // num_batches)
    assert_average(average.average, average_by_definition(task.states))


def test_without_warm_up_it_is_that_of_torch() -> None:
    average = AverageWeights(DECAY)
    average.num_updates = 1000
    task = fit([average])
    model = Task().model
    oracle = AveragedModel(model, avg_fn=lambda old, new, _: DECAY * old + (1 - DECAY) * new, use_buffers=True)
    oracle.n_averaged += 1  # or it would begin with the state after the first step
    for state in task.states[1:]:
        model.load_state_dict(state)
        oracle.update_parameters(model)
    assert_average(average.average, oracle.module.state_dict())


def test_training_goes_on_with_the_weights_themselves() -> None:
    averaged, plain = (fit(each, max_epochs=3, val_check_interval=2) for each in ([AverageWeights(DECAY)], []))
    for state, undisturbed in zip(averaged.states, plain.states, strict=True):
        assert_equal(state, undisturbed)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_validation_and_whatever_others_do_at_its_end_see_the_average(is_first: bool) -> None:
    average, watch = AverageWeights(DECAY), Watch()
    task = fit([average, watch] if is_first else [watch, average])
    for seen in (task.validated[0], watch.seen[0]):
        assert_average(seen, average_by_definition(task.states))


@pytest.mark.parametrize("is_first", [True, False])
def test_a_checkpoint_that_is_written_in_a_validation_holds_the_weights_and_the_average_apart(
    tmp_path: Path, is_first: bool
) -> None:
    average, watch = AverageWeights(DECAY), Watch(lambda trainer: trainer.save_checkpoint(tmp_path / "in.ckpt"))
    task = fit([average, watch] if is_first else [watch, average])
    checkpoint = torch.load(tmp_path / "in.ckpt", weights_only=True)
    assert_equal(model_part(checkpoint), task.states[-1])
    assert_average(checkpoint["averaged_model"], average_by_definition(task.states))
    assert checkpoint["averaged_model"].keys() == task.states[-1].keys()


@pytest.mark.parametrize("step", range(1, 7))
def test_a_training_that_goes_on_ends_with_the_average_that_it_would_have_had(tmp_path: Path, step: int) -> None:
    """Each epoch is one step, as Lightning alone resumes at their ends; `tests.e2e.test_resume` kills anywhere."""
    whole, part, rest = (AverageWeights(DECAY) for _ in range(3))
    long = {"limit_train_batches": 1, "max_epochs": 6}
    undisturbed = fit([whole], **long)
    fit([ModelCheckpoint(tmp_path, every_n_train_steps=step, filename="{step}", save_top_k=-1), part], **long)
    if step < 6:
        resumed = fit([rest], tmp_path / f"step={step}.ckpt", **long)
        assert_equal(copy_of(resumed), copy_of(undisturbed))
        assert_equal(rest.average, whole.average)
    checkpoint = torch.load(tmp_path / f"step={step}.ckpt", weights_only=True)
    assert_average(checkpoint["averaged_model"], average_by_definition(undisturbed.states[: step + 1]))


def assert_equal(found: State, wanted: State) -> None:
    assert found.keys() == wanted.keys()
    assert [name for name in wanted if not torch.equal(found[name], wanted[name])] == []


def test_an_average_of_half_precision_is_kept_in_float32() -> None:
    average = AverageWeights(0.999)
    fit([average], precision="bf16-true")
    assert {value.dtype for value in average.average.values()} == {torch.float32}


def test_a_validation_without_a_training_validates_the_weights() -> None:
    task = Task()
    trainer = lightning.Trainer(
        accelerator="cpu", callbacks=[AverageWeights(DECAY)], logger=False, enable_progress_bar=False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.validate(task, DataLoader(BATCHES[:1], batch_size=None), verbose=False)
    assert_equal(task.validated[0], task.states[0])


@pytest.mark.parametrize("decay", [1, -0.1, "much", True, None])
def test_a_decay_that_is_no_fraction_is_refused(decay: Any) -> None:
    with pytest.raises(ValueError, match=r"callbacks.ema.decay is .*; allowed: a number of at least 0 and below 1"):
        AverageWeights(decay)


def test_parameters_that_are_shared_out_are_refused() -> None:
    trainer = lightning.Trainer(strategy=ShardedOnCpu(), accelerator="cpu", logger=False, enable_checkpointing=False)
    with pytest.raises(ValueError, match=r"callbacks.ema averages whole parameters.*use trainer=ddp"):
        AverageWeights(DECAY).setup(trainer, Task(), "fit")


def test_checkpoints_of_weights_only_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="save_weights_only=true.* leave it out, or leave ema out of callbacks="):
        fit([ModelCheckpoint(tmp_path, save_weights_only=True), AverageWeights(DECAY)])
