"""Every loss of conf/loss, built as the product builds them."""

import inspect
from pathlib import Path
from typing import Any

import yaml
from hydra.utils import get_class, instantiate
from torch import nn

FOLDER = Path(__file__).parents[2] / "conf" / "loss"
OPTIONS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def settings(option: str) -> dict[str, Any]:
    """What stands in conf/loss/<option>.yaml."""
    return yaml.safe_load((FOLDER / f"{option}.yaml").read_text())


def build_loss(option: str, num_classes: int, **overrides: Any) -> nn.Module:
    """The loss of conf/loss/<option>.yaml for num_classes classes, the first of them the most frequent."""
    config = settings(option) | overrides
    facts = {"num_classes": num_classes, "class_counts": [1000 // (index + 1) for index in range(num_classes)]}
    facts["class_extents"] = [5000] * num_classes
    return instantiate(_with_facts(config, facts), _convert_="all")


def _with_facts(config: Any, facts: dict[str, Any]) -> Any:
    if not isinstance(config, dict):
        return config
    config = {key: _with_facts(value, facts) for key, value in config.items()}
    target = config.get("_target_", "")
    if not target.startswith("segexp."):
        return config
    wanted = inspect.signature(get_class(target)).parameters
    return {key: value for key, value in facts.items() if key in wanted} | config
