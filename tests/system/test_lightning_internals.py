"""The undocumented parts of Lightning, torchmetrics and torch that we rely on are there and mean what we think."""

import signal
import warnings

import pytest
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.demos.boring_classes import BoringModel
from pytorch_lightning.loops import _TrainingEpochLoop
from pytorch_lightning.trainer.connectors.signal_connector import _SignalConnector
from torchmetrics import MeanMetric

from segexp.system import lightning_internals


def trainer(*callbacks: Callback) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator="cpu",
        max_epochs=2,
        limit_train_batches=3,
        limit_val_batches=2,
        num_sanity_val_steps=0,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def fit(trainer: lightning.Trainer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(BoringModel())


class Watch(Callback):
    """Notes the handler of SIGTERM, the batches completed, and the state of the loops at the start of each batch."""

    def __init__(self, *, disable: bool) -> None:
        self.disable = disable
        self.handlers: list = []
        self.completed: list[int] = []
        self.checkpoints: list[dict] = []

    def on_fit_start(self, trainer, task) -> None:
        if self.disable:
            lightning_internals.disable_signal_handlers(trainer)

    def on_train_batch_start(self, trainer, task, batch, batch_index: int) -> None:
        self.handlers.append(signal.getsignal(signal.SIGTERM))
        self.completed.append(lightning_internals.num_batches_completed(trainer))
        self.checkpoints.append({"loops": {"fit_loop": trainer.fit_loop.state_dict()}})


@pytest.mark.parametrize("disable", [True, False])
def test_lightning_leaves_signals_alone_only_if_its_handlers_are_disabled(disable: bool) -> None:
    watch, before = Watch(disable=disable), signal.getsignal(signal.SIGTERM)
    fit(trainer(watch))
    assert all((handler == before) is disable for handler in watch.handlers)


def test_the_methods_that_are_replaced_exist() -> None:
    assert callable(_SignalConnector.register_signal_handlers)
    assert callable(_TrainingEpochLoop._broadcast_sigterm_tensor)


def test_batches_and_epochs_are_counted_as_they_are_trained() -> None:
    watch = Watch(disable=True)
    fit(trainer(watch))
    assert watch.completed == [0, 1, 2, 0, 1, 2]
    assert [lightning_internals.num_epochs_processed(each) for each in watch.checkpoints] == [0, 0, 0, 1, 1, 1]


def test_a_rewound_checkpoint_says_that_its_batch_and_epoch_have_not_begun() -> None:
    watch = Watch(disable=True)
    fit(trainer(watch))
    checkpoint = watch.checkpoints[4]  # epoch 1, batch 1
    lightning_internals.rewind_batch(checkpoint)
    lightning_internals.rewind_epoch(checkpoint)
    lightning_internals.rewind_validation(checkpoint)
    loops = checkpoint["loops"]["fit_loop"]
    assert set(loops["epoch_loop.batch_progress"]["current"].values()) == {1}
    assert set(loops["epoch_loop.batch_progress"]["total"].values()) == {4}
    assert set(loops["epoch_progress"]["current"].values()) == {1}
    validation = loops["epoch_loop.val_loop.batch_progress"]
    assert validation["current"] == {"ready": 1, "started": 1, "processed": 0, "completed": 0}
    assert validation["is_last_batch"] is False


def test_a_restored_metric_computes_without_a_warning() -> None:
    metric = MeanMetric()
    lightning_internals.set_num_updates(metric, 3)
    assert metric.update_count == 3
    metric.compute()  # warnings are errors


def test_a_fused_optimizer_is_told_to_leave_unscaling() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, fused=True)
    assert optimizer._step_supports_amp_scaling is True  # type: ignore[attr-defined]
    lightning_internals.leave_unscaling_to_clipping(optimizer)
    assert optimizer._step_supports_amp_scaling is False  # type: ignore[attr-defined]
