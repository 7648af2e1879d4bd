"""A run folder -> the network it trained, ready to predict; no Lightning, no loss, no augmentation."""

from typing import NamedTuple

from torch import nn

from segexp import build
from segexp.classes import Grouping, LabelTable
from segexp.inference.trusted_parts import labels_of_run, trusted_parts
from segexp.model.auxiliary import drop_auxiliary_heads
from segexp.model.reparameterized import merge_branches
from segexp.run import checkpoint
from segexp.run.folder import RunFolder
from segexp.types import Size, Weights


class TrainedNetwork(NamedTuple):
    """model: image [B, 3, H, W] -> logits [B, C, H, W], in evaluation mode, on the CPU.

    grouping: the classes that the channels stand for. table: labels of the data set it was trained on.
    image_size, bit_depth: of the images that it was trained on, see `ImageFormat`. step: of the optimizer, after which
    the weights were stored. weights: which of a checkpoint that holds an average as well: averaged, the default, or
    raw; else None.
    """

    model: nn.Module
    grouping: Grouping
    table: LabelTable
    image_size: Size | None
    bit_depth: int | None
    step: int
    weights: Weights | None


def load_model(run: RunFolder, checkpoint_name: str, weights: Weights | None = None) -> TrainedNetwork:
    """Build the network of a run and load the weights of a checkpoint into it.

    weights: raw, averaged, or None for the average where there is one.

    Raises ValueError or FileNotFoundError naming what is missing or damaged in the run's config, data or checkpoint.
    """
    config = trusted_parts(run.config)
    table, image_format = labels_of_run(run)
    model = build.model(config)
    loaded = checkpoint.load_weights(model, run.checkpoint(checkpoint_name), weights)
    drop_auxiliary_heads(model)
    merge_branches(model.eval())
    return TrainedNetwork(model, build.grouping(config), table, *image_format, *loaded)
