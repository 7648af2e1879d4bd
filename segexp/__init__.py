"""segexp: which loss, which network, which class grouping segments street scenes best, and is the difference real?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from segexp.system.torchvision_build import declare_missing_operators

if TYPE_CHECKING:
    from segexp.inference.loaded_run import LoadedRun

__version__ = "0.1.0"

declare_missing_operators()


def load(run: str | Path, checkpoint: str = "best", device: str = "auto", **settings: Any) -> "LoadedRun":
    """Load a trained run in a notebook: its network, its classes, and `predict` on an array.

    run: a run folder, or the URL of one. checkpoint: best or last. device: auto, cpu, cuda, cuda:1.
    settings: keys of conf/predict.yaml that say how the network is run: window, stride, blending, scales, flip,
    precision, memory_format.
    Raises FileNotFoundError or ValueError naming what is missing, damaged or not allowed.
    """
    from segexp.inference.loaded_run import load_run  # which loads torch

    return load_run(run, checkpoint, device, **settings)
