"""Where in an epoch a training is, as a checkpoint tells it to the run that goes on from there."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from torch import distributed
from torchmetrics import Metric

from segexp.types import Values


def num_batches(trainer: Trainer) -> int:
    """Batches of this epoch that each rank has behind it."""
    return trainer.fit_loop.epoch_loop.batch_progress.current.completed


def is_between_steps(trainer: Trainer, batch_index: int) -> bool:
    """Whether a checkpoint before this batch is one to go on from: gradients are spent, and no validation came last."""
    if batch_index % trainer.accumulate_grad_batches:
        return False
    interval = trainer.val_check_batch
    return not (isinstance(interval, int) and batch_index % interval == 0)  # Lightning would count a step too many


def finish_batch(loops: Values) -> None:
    """Let the state of Lightning's loops at the start of a batch say that nothing of it has begun."""
    _forget_begun(loops["epoch_loop.batch_progress"])


def finish_epoch(loops: Values) -> None:
    """Let the state of Lightning's loops at the start of an epoch say that nothing of it has begun."""
    _forget_begun(loops["epoch_progress"])


def restart_validation(loops: Values) -> None:
    """Let the state of Lightning's loops in a validation say that its first batch is about to come."""
    for progress in (loops["epoch_loop.val_loop.batch_progress"][name] for name in ("total", "current")):
        progress.update(ready=1, started=1, processed=0, completed=0)
    loops["epoch_loop.val_loop.batch_progress"]["is_last_batch"] = False


def counted(task: LightningModule) -> list[dict[str, Values]]:
    """What the task's metrics have counted in this epoch of training, of each rank."""
    mine = {name: _state(metric) for name, metric in _training_metrics(task).items()}
    if not (distributed.is_available() and distributed.is_initialized()):
        return [mine]
    everyone: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(everyone, mine)
    return everyone


def restore(trainer: Trainer, task: LightningModule, position: Values, counted: list[dict[str, Values]]) -> None:
    """Bring the order of samples, the metrics and the callbacks to where they were in the middle of an epoch."""
    if position["num_ranks"] != trainer.world_size:
        raise ValueError(
            f"the checkpoint is from the middle of an epoch on {position['num_ranks']} ranks, here are "
            f"{trainer.world_size}; go on with trainer.devices and trainer.num_nodes as they were"
        )
    trainer.train_dataloader.sampler.start_at(trainer.current_epoch, position["num_batches"])  # type: ignore[union-attr]
    metrics = _training_metrics(task)
    for name, state in counted[trainer.global_rank].items():
        _load(metrics[name], state, task)
    for callback in trainer.callbacks:  # type: ignore[attr-defined]  # Lightning calls these only where an epoch begins
        callback.on_train_epoch_start(trainer, task)
    task.on_train_epoch_start()


def _forget_begun(progress: Values) -> None:
    for counts in (progress["total"], progress["current"]):
        counts.update(dict.fromkeys(counts, counts["completed"]))


def _training_metrics(task: LightningModule) -> dict[str, Metric]:
    return {
        name: child for name, child in task.named_children() if isinstance(child, Metric) and name.startswith("train_")
    }


def _state(metric: Metric) -> Values:
    tensors = {name: value.detach().cpu() for name, value in metric.metric_state.items()}  # type: ignore[union-attr]
    return {"tensors": tensors, "num_updates": metric.update_count}


def _load(metric: Metric, state: Values, task: LightningModule) -> None:
    for name, value in state["tensors"].items():
        setattr(metric, name, value.to(task.device))
    metric._update_count = state["num_updates"]
