"""Every model of conf/model, built as the product builds them."""

from typing import Any

import yaml

from segexp import build
from segexp.config.compose import config_folder
from segexp.model.segmenter import Segmenter

FOLDER = config_folder() / "model"
OPTIONS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def build_model(option: str, num_classes: int, **overrides: Any) -> Segmenter:
    """Build the model of conf/model/<option>.yaml with random weights, downloading nothing."""
    config = yaml.safe_load((FOLDER / f"{option}.yaml").read_text())
    if "weights" in config:
        config["weights"] = None
    return build.part(config | overrides, {"num_classes": lambda: num_classes})
