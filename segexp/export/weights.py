"""The weights of a network alone, as safetensors."""

from collections.abc import Mapping

import torch
from safetensors.torch import save
from torch import Tensor, nn


def as_bytes(model: nn.Module, named: Mapping[str, str]) -> bytes:
    """Every tensor of the state under its own name, whole though several may share their memory. named: facts as text.

    What `get_extra_state` returns of other kinds is left out: safetensors hold tensors, and the network is in a file
    of its own.
    """
    state = {key: value for key, value in model.state_dict().items() if isinstance(value, Tensor)}
    return save({key: value.clone(memory_format=torch.contiguous_format) for key, value in state.items()}, dict(named))
