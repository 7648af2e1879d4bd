"""A run folder -> the network it trained, ready to predict; no Lightning, no loss, no augmentation."""

from typing import NamedTuple

from torch import nn

from segexp import build
from segexp.classes import Grouping, LabelTable
from segexp.inference.trusted_run import labels_of_run, trusted
from segexp.run import checkpoint
from segexp.run.folder import RunFolder
from segexp.types import Size


class Trained(NamedTuple):
    """model: image [B, 3, H, W] -> logits [B, C, H, W], in evaluation mode, on the CPU.

    grouping: what the channels stand for. table: labels of the data it was trained on. image_size: [H, W] that it was
    trained at, None for native. step: of the optimizer, after which the weights were stored.
    """

    model: nn.Module
    grouping: Grouping
    table: LabelTable
    image_size: Size | None
    step: int


def load_model(run: RunFolder, checkpoint_name: str) -> Trained:
    """Raises ValueError or FileNotFoundError where the run's config, data or checkpoint is not what it must be."""
    config = trusted(run.config)
    table, image_size = labels_of_run(run)
    model = build.model(config)
    step = checkpoint.load_model(model, run.checkpoint(checkpoint_name))
    return Trained(model.eval(), build.grouping(config), table, image_size, step)
