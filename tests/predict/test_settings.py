"""A wrong setting of a prediction is refused with its value and what is allowed."""

from typing import Any

import pytest
import yaml

from segexp.config.compose import config_folder
from segexp.predict.settings import PredictSettings


def predict_settings(**changed: Any) -> PredictSettings:
    stored = yaml.safe_load((config_folder() / "predict.yaml").read_text())
    values = {key: stored[key] for key in PredictSettings.model_fields}
    return PredictSettings.of({**values, "run": "RUN", "input": "images", "output": "out", **changed})


@pytest.mark.parametrize(
    ("wrong", "facts"),
    [
        ({"run": " "}, ("run is ' '", "a run folder, or its URL")),
        ({"input": ""}, ("input is ''", "the path of an image, a video, or a folder of them")),
        ({"input": "s3://bucket/images"}, ("input is 's3://bucket/images'", "only run may be a URL")),
        ({"output": None}, ("output is null", "the path of a folder to write to")),
        ({"output": 202401}, ("output is 202401", "./2024")),
        ({"output": "s3://bucket/out"}, ("output is 's3://bucket/out'", "only run may be a URL")),
        ({"masks": "labels"}, ("masks is 'labels'", "label_ids, class_ids, colored, null")),
        ({"overlay": 1}, ("overlay is 1", "true, false")),
        ({"opacity": 2}, ("opacity is 2", "a number from 0 to 1")),
        ({"opacity": True}, ("opacity is true", "a number from 0 to 1")),
        ({"on_existing": "resume"}, ("on_existing is 'resume'", "refuse, skip, overwrite")),
        ({"batch_size": 0}, ("batch_size is 0", "a whole number of at least 1")),
        ({"num_threads": 1.5}, ("num_threads is 1.5", "a whole number of at least 1")),
        ({"masks": None, "overlay": False}, ("masks is null", "overlay and probabilities are false", "set one")),
        ({"window": 512}, ("window is 512", "null", "[height, width]")),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(wrong: dict, facts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=".") as refused:
        predict_settings(**wrong)
    assert [fact for fact in facts if fact not in str(refused.value)] == [], refused.value


def test_a_run_may_be_a_url() -> None:
    assert predict_settings(run="s3://bucket/runs/RUN").run == "s3://bucket/runs/RUN"
