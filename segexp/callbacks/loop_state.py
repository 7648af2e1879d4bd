"""What a checkpoint from the middle of an epoch holds beside weights: how far the epoch came, and what was counted."""

import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor, distributed
from torchmetrics import Metric

from segexp.system.lightning_internals import set_num_updates
from segexp.system.training_loops import has_just_validated
from segexp.types import Values


def is_between_steps(trainer: Trainer, batch_index: int) -> bool:
    """Whether a checkpoint before this batch can be resumed: gradients are spent, and no validation has just ended."""
    if batch_index % trainer.accumulate_grad_batches:
        return False
    return not has_just_validated(trainer, batch_index)  # Lightning would count a step too many


def metric_states(task: LightningModule) -> dict[str, Values]:
    """What this rank has counted: name of each metric of the task -> its state."""
    return {name: _state(metric) for name, metric in _metrics(task).items()}


def of_each_rank(mine: dict[str, Values]) -> list[dict[str, Values]]:
    """The metric states of all ranks, which call this together."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return [mine]
    states: list = [None] * distributed.get_world_size()
    distributed.all_gather_object(states, mine)
    return states


def restore(trainer: Trainer, task: LightningModule, position: Values, metric_states: list[dict[str, Values]]) -> None:
    """Bring the order of samples, the metrics and the callbacks to where they were in the middle of an epoch.

    position: num_batches of the epoch that each of num_ranks ranks had trained. metric_states: one for each rank.
    Raises ValueError on another number of ranks.
    """
    if position["num_ranks"] != trainer.world_size:
        raise ValueError(
            f"the checkpoint was written within an epoch on {position['num_ranks']} ranks, and this training has "
            f"{trainer.world_size}; resume with the same trainer.devices and trainer.num_nodes"
        )
    trainer.train_dataloader.sampler.start_at(trainer.current_epoch, position["num_batches"])  # type: ignore[union-attr]
    metrics = _metrics(task)
    for name, state in metric_states[trainer.global_rank].items():
        _load(metrics[name], state, task)
    for callback in trainer.callbacks:  # type: ignore[attr-defined]  # Lightning calls these only where an epoch begins
        callback.on_train_epoch_start(trainer, task)
    task.on_train_epoch_start()


def _metrics(task: LightningModule) -> dict[str, Metric]:
    return {name: module for name, module in task.named_modules() if isinstance(module, Metric)}


def _state(metric: Metric) -> Values:
    tensors = {name: _moved(value, torch.device("cpu")) for name, value in metric.metric_state.items()}
    return {"tensors": tensors, "num_updates": metric.update_count}


def _load(metric: Metric, state: Values, task: LightningModule) -> None:
    for name, value in state["tensors"].items():
        setattr(metric, name, _moved(value, task.device))
    set_num_updates(metric, state["num_updates"])


def _moved(state: Tensor | list[Tensor], device: torch.device) -> Tensor | list[Tensor]:
    """A copy of a state, which is a tensor, or a list of tensors in metrics that keep every update."""
    if isinstance(state, list):
        return [each.detach().to(device, copy=True) for each in state]
    return state.detach().to(device, copy=True)
