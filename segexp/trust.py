"""What a configuration that came with a run folder, perhaps from a stranger, may build."""

import inspect
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hydra.utils import get_object

OURS = ("segexp.model.", "segexp.classes.")
NETWORK_LIBRARIES = ("segmentation_models_pytorch.", "torchvision.models.")


def refuse_foreign_targets(config: Mapping[str, Any], consented: Collection[str] = ()) -> None:
    """Raise ValueError if config would build anything but networks, class groupings and what the user consented to.

    A dotted name is not believed: `segexp.model.unet.os.system` starts well, so the object itself is asked where it
    was defined, and only after its name was found to start with one of ours.
    """
    for target in targets(config):
        ours = target.startswith(OURS + NETWORK_LIBRARIES) and _is_defined_there(target)
        if not ours and target not in consented:
            raise ValueError(
                f"the run's config wants to build {target!r}; from a run folder only {[*OURS, *NETWORK_LIBRARIES]} are "
                "built: if the run is your own, name the folder of your options by --config-dir; if not, do not use it"
            )


def is_law(target: str) -> bool:
    """Whether a target is a distribution of scipy.stats, which losses may take any of."""
    from scipy import stats

    law = getattr(stats, target.removeprefix("scipy.stats."), None)
    return target.startswith("scipy.stats.") and isinstance(law, stats.rv_continuous | stats.rv_discrete)


def targets(node: Any) -> Iterator[str]:
    """Every `_target_` in a nested configuration."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield str(node["_target_"])
        node = list(node.values())
    if isinstance(node, list):
        for entry in node:
            yield from targets(entry)


def _is_defined_there(target: str) -> bool:
    try:
        found = get_object(target)
    except ImportError:
        return False
    module = f"{getattr(found, '__module__', '')}."
    if module.startswith(OURS):
        return inspect.isclass(found) or inspect.isfunction(found)
    from torch import nn

    return module.startswith(NETWORK_LIBRARIES) and inspect.isclass(found) and issubclass(found, nn.Module)
