"""Settings of an evaluation as conf/evaluate.yaml has them, some of them changed."""

from typing import Any

import yaml

from segexp.config.compose import config_folder
from segexp.evaluate.settings import EvaluateSettings


def evaluate_settings(**changed: Any) -> EvaluateSettings:
    stored = yaml.safe_load((config_folder() / "evaluate.yaml").read_text())
    values = {key: stored[key] for key in EvaluateSettings.model_fields}
    return EvaluateSettings.of({**values, "run": "RUN", **changed})
