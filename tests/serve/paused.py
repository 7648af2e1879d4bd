"""GO_ON=FILE python -m tests.serve.paused ...: segexp.serve, whose network waits until there is that file."""

import os
import runpy
import time
from pathlib import Path

from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook


def pause(network: nn.Module, arguments: object) -> None:
    while type(network).__name__ == "ReadyNetwork" and not Path(os.environ["GO_ON"]).exists():
        time.sleep(0.02)  # not yet while it is being made ready


if __name__ == "__main__":
    register_module_forward_pre_hook(pause)
    runpy.run_module("segexp.serve", run_name="__main__")
