"""The weights of a network alone, as safetensors."""

from collections.abc import Mapping

import torch
from safetensors.torch import save
from torch import Tensor, nn


def as_bytes(model: nn.Module, metadata: Mapping[str, str]) -> bytes:
    """Write every tensor of the state under its own name as safetensors; tensors that share memory are written whole.

    Values of other types that `get_extra_state` returns are left out: safetensors hold tensors only, and the network
    itself is in a file of its own.
    """
    tensors = {key: value for key, value in model.state_dict().items() if isinstance(value, Tensor)}
    copies = {key: value.clone(memory_format=torch.contiguous_format) for key, value in tensors.items()}
    return save(copies, dict(metadata))
