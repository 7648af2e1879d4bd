"""What a checkpoint from the middle of an epoch holds beside weights: how far the epoch came, and what was counted."""

from pytorch_lightning import LightningModule, Trainer
from torch import distributed
from torchmetrics import Metric

from segexp.system.lightning_internals import set_num_updates
from segexp.types import Values


def is_between_steps(trainer: Trainer, batch_index: int) -> bool:
    """Whether a checkpoint before this batch can be resumed: gradients are spent, and no validation has just ended."""
    if batch_index % trainer.accumulate_grad_batches:
        return False
    interval = trainer.val_check_batch
    return not (isinstance(interval, int) and batch_index % interval == 0)  # Lightning would count a step too many


def training_metric_states(task: LightningModule) -> list[dict[str, Values]]:
    """The state of every training metric of the task, for each rank: metric name -> state."""
    mine = {name: _state(metric) for name, metric in _training_metrics(task).items()}
    if not (distributed.is_available() and distributed.is_initialized()):
        return [mine]
    states: list = [None] * distributed.get_world_size()
    distributed.all_gather_object(states, mine)
    return states


def restore(trainer: Trainer, task: LightningModule, position: Values, metric_states: list[dict[str, Values]]) -> None:
    """Bring the order of samples, the metrics and the callbacks to where they were in the middle of an epoch.

    position: num_batches of the epoch that each of num_ranks ranks had trained. metric_states: one for each rank, see
    `training_metric_states`. Raises ValueError on another number of ranks.
    """
    if position["num_ranks"] != trainer.world_size:
        raise ValueError(
            f"the checkpoint is from the middle of an epoch on {position['num_ranks']} ranks, here are "
            f"{trainer.world_size}; go on with trainer.devices and trainer.num_nodes as they were"
        )
    trainer.train_dataloader.sampler.start_at(trainer.current_epoch, position["num_batches"])  # type: ignore[union-attr]
    metrics = _training_metrics(task)
    for name, state in metric_states[trainer.global_rank].items():
        _load(metrics[name], state, task)
    for callback in trainer.callbacks:  # type: ignore[attr-defined]  # Lightning calls these only where an epoch begins
        callback.on_train_epoch_start(trainer, task)
    task.on_train_epoch_start()


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
    set_num_updates(metric, state["num_updates"])
