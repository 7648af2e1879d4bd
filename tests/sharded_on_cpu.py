"""Parameters shared out among ranks without a GPU, to test what runs there."""

import torch
from pytorch_lightning.strategies import FSDPStrategy
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel


class ShardedOnCpu(FSDPStrategy):
    """Lightning wants GPUs for FSDP; torch is content without, as long as no checkpoint is written."""

    def _setup_model(self, model: nn.Module) -> nn.Module:
        return FullyShardedDataParallel(model, device_id=torch.device("cpu"), use_orig_params=True)
