"""Make a CPU build of torch work beside a CUDA build of torchvision.

The registry's torchvision for Linux is a CUDA build; beside `torch+cpu` its compiled operators cannot load, and
`import torchvision` (hence torchmetrics, Lightning, smp) dies with "operator torchvision::nms does not exist".
Declaring the schemas it looks for makes all but those compiled operators work. Nothing of torch is imported until
torchvision itself is, and a matching pair of builds installs no hook at all.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType


def declare_missing_operators() -> None:
    """Hook the first import of torchvision if the two builds do not match; else do nothing."""
    if _builds_mismatch() and "torchvision" not in sys.modules:
        sys.meta_path.insert(0, _DeclareBeforeTorchvision())


def _builds_mismatch() -> bool:
    try:
        return "+cpu" in version("torch") and "+cpu" not in version("torchvision")
    except PackageNotFoundError:
        return False


class _DeclareBeforeTorchvision(MetaPathFinder):
    """Finds nothing itself: declares the operators when torchvision is looked for, then steps aside."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname != "torchvision":
            return
        sys.meta_path.remove(self)
        from torch.library import Library

        library = Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _keep_alive.append(library)  # the declarations vanish with the object


_keep_alive: list[object] = []
