"""Networks of users hold more than safetensors can: values other than tensors, shared or transposed weights."""

from typing import Any

import pytest
import torch
from safetensors.torch import load
from torch import Tensor, nn

from segexp.export import weights


class UserNetwork(nn.Module):
    """A network of two layers that share their weights, a transposed parameter, and extra state."""

    def __init__(self, extra: Any) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.second.weight = self.first.weight
        self.transposed = nn.Parameter(torch.arange(12.0).reshape(3, 4).T)
        self.extra = extra

    def get_extra_state(self) -> Any:
        return self.extra

    def set_extra_state(self, state: Any) -> None:
        self.extra = state


@pytest.mark.parametrize("extra", [{"num_calls": 3}, None, "text", torch.ones(2)])
def test_every_tensor_of_a_network_is_written_under_its_own_name(extra: Any) -> None:
    model = UserNetwork(extra)
    stored = load(weights.as_bytes(model, {"step": "3"}))
    expected = {key: value for key, value in model.state_dict().items() if isinstance(value, Tensor)}
    assert len(expected) == 5 + isinstance(extra, Tensor)
    assert stored.keys() == expected.keys()
    assert all(torch.equal(stored[key], value) for key, value in expected.items())
    missing = UserNetwork(None).load_state_dict(stored, strict=False).missing_keys
    assert missing == ([] if isinstance(extra, Tensor) else ["_extra_state"])
