"""Networks for tests: a small one, and ones of known memory, without an end, or that crash their process."""

import os
import threading

import torch
from torch import Tensor, nn

TINY = {"_target_": "segexp.model.gridnet.gridnet", "streams": [4, 8], "total_dropout": 0.1}
TINY |= {"num_columns_down": 1, "num_columns_up": 1}
PLAIN = {"_target_": "tests.e2e.plain.plain", "width": 4}
ENDLESS = {"_target_": "tests.benchmark.networks.endless"}


class Hungry(nn.Module):
    """Holds 100 MB of weights, and 200 MB while it predicts, which it does only once."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(25_000_000))
        self.has_predicted = False

    def forward(self, image: Tensor) -> Tensor:
        if self.has_predicted:
            raise RuntimeError("once is enough")
        self.has_predicted = True
        features = torch.ones(50_000_000, device=image.device)
        return image.float() * features[-1]


def hungry() -> nn.Module:
    return Hungry()


class Endless(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        if image.device.type != "meta":  # the device on which operations are counted
            threading.Event().wait()
        return image.float()


def endless() -> nn.Module:
    return Endless()


def crash() -> None:
    print("these are my last words", flush=True)
    os.abort()
