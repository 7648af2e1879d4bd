"""Every loss of conf/loss, built as the product builds them."""

from typing import Any

from torch import nn

from segexp import build
from segexp.config.facts import Facts
from tests.options import option_settings, options

OPTIONS = options("loss")


def settings(option: str) -> dict[str, Any]:
    """Read conf/loss/<option>.yaml."""
    return option_settings("loss", option)


def build_loss(option: str, num_classes: int, **overrides: Any) -> nn.Module:
    """Build the loss of conf/loss/<option>.yaml for num_classes classes, the first of them the most frequent."""
    facts: Facts = {
        "num_classes": lambda: num_classes,
        "class_counts": lambda: [1000 // (index + 1) for index in range(num_classes)],
        "class_extents": lambda: [5000] * num_classes,
    }
    return build.part(settings(option) | overrides, facts)
