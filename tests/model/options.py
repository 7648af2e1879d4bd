"""Every model of conf/model, built as the product builds them."""

from typing import Any

from segexp import build
from segexp.model.segmenter import Segmenter
from tests.options import option_settings, options

OPTIONS = options("model")


def build_model(option: str, num_classes: int, **overrides: Any) -> Segmenter:
    """Build the model of conf/model/<option>.yaml with random weights, downloading nothing."""
    config = option_settings("model", option)
    if "weights" in config:
        config["weights"] = None
    return build.part(config | overrides, {"num_classes": lambda: num_classes})


def heads_switched_on(option: str) -> dict[str, Any]:
    """Overrides that give the model of conf/model/<option>.yaml auxiliary heads; none where no key of it does."""
    return {"auxiliary_stages": [4]} if "auxiliary_stages" in option_settings("model", option) else {}
