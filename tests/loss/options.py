"""Every loss of conf/loss, built as the product builds them."""

from typing import Any

import yaml
from torch import nn

from segexp import build
from segexp.config.compose import config_folder

FOLDER = config_folder() / "loss"
OPTIONS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def settings(option: str) -> dict[str, Any]:
    """Read conf/loss/<option>.yaml."""
    return yaml.safe_load((FOLDER / f"{option}.yaml").read_text())


def build_loss(option: str, num_classes: int, **overrides: Any) -> nn.Module:
    """Build the loss of conf/loss/<option>.yaml for num_classes classes, the first of them the most frequent."""
    facts: build.Facts = {
        "num_classes": lambda: num_classes,
        "class_counts": lambda: [1000 // (index + 1) for index in range(num_classes)],
        "class_extents": lambda: [5000] * num_classes,
    }
    return build.part(settings(option) | overrides, facts)
