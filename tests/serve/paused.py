"""GO_ON=FILE python -m tests.serve.paused ...: segexp.serve, whose network waits until there is that file."""

import os
import runpy
import time
from pathlib import Path

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook


def pause(network: nn.Module, arguments: tuple[Tensor, ...]) -> None:
    if type(network).__name__ == "GridNet" and arguments[0].shape[-1] != arguments[0].shape[-2]:
        while not Path(os.environ["GO_ON"]).exists():  # images are not square but for the one it is made ready with
            time.sleep(0.02)


if __name__ == "__main__":
    register_module_forward_pre_hook(pause)
    runpy.run_module("segexp.serve", run_name="__main__")
