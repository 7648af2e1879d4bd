"""Settings of an evaluation as conf/evaluate.yaml has them, some of them changed."""

from typing import Any

from segexp.config.compose import compose
from segexp.evaluate.settings import EvaluateSettings


def evaluate_settings(**changed: Any) -> EvaluateSettings:
    stored = compose("evaluate", ["run=RUN"])
    values = {key: stored[key] for key in EvaluateSettings.model_fields}
    return EvaluateSettings.of({**values, **changed})
