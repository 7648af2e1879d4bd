"""Whether a network can be trained on batches of one image, asked before the training begins."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

SIDE = 64
REFUSAL_OF_TORCH = "Expected more than 1 value per channel"


def refuse_single_images(model: nn.Module, values: Mapping[str, Any]) -> None:
    """Raise ValueError for batches of one image if a batch norm of the network would see one value per channel.

    This is so where a network pools the whole image before a batch norm: one value has no variance. With
    trainer.sync_batchnorm several ranks have several values together. values: the whole configuration.
    """
    if values["data"]["batch_size"] > 1 or values["trainer"].get("sync_batchnorm"):
        return
    trial = copy.deepcopy(model).train()  # so that the statistics of the network itself do not change
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            trial(torch.zeros(1, 3, SIDE, SIDE, dtype=torch.uint8))
    except ValueError as error:
        if REFUSAL_OF_TORCH not in str(error):
            raise
        raise ValueError(
            "data.batch_size is 1, and the network pools each image to one value before a batch norm, which then has "
            "no variance to divide by; allowed: at least 2 for this network; set data.batch_size=2, or choose "
            "another model="
        ) from error
