"""Settings of an evaluation as conf/evaluate.yaml has them, some of them changed."""

import functools
from typing import Any

from segexp.config.compose import compose
from segexp.evaluate.settings import EvaluateSettings
from segexp.types import Values


def evaluate_settings(**changed: Any) -> EvaluateSettings:
    return EvaluateSettings.of({**_stored(), **changed})


@functools.cache
def _stored() -> Values:
    stored = compose("evaluate", ["run=RUN"])
    return {key: stored[key] for key in EvaluateSettings.model_fields}
