"""Configurations that earlier versions recorded, in the words of today."""

import json
from typing import Any

import pytest

from segexp.config.compose import compose
from segexp.metric.counts_file import is_of_evaluation
from segexp.run.earlier import ARGUMENTS_SINCE, evaluation_in_words_of_today, in_words_of_today
from segexp.types import Values

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("typed", [["model.weights=imagenet"], ["start_from=runs/before"]])
def test_an_encoder_that_an_earlier_run_froze_is_the_one_of_today(typed: list[str]) -> None:
    today = compose("train", ["model=unet", "callbacks=finetune", *typed])
    earlier = {**today, "callbacks": {**today["callbacks"]}}
    earlier["callbacks"]["freeze_encoder"] = {
        key: value for key, value in today["callbacks"]["freeze_encoder"].items() if key in ("_target_", "num_epochs")
    }
    assert in_words_of_today(earlier) == today


@pytest.mark.parametrize("name", ["wandb", "csv", "none"])
def test_the_one_logger_of_an_earlier_run_is_the_one_of_its_option_today(name: str) -> None:
    today = compose("train", [f"logger={name}"])
    earlier = {**today, "logger": today["logger"].get(name, {})}
    assert in_words_of_today(earlier) == today
    assert in_words_of_today(today) == today


def test_what_smp_ignored_in_an_earlier_run_is_no_setting_of_its_network() -> None:
    today = compose("train", ["model=unet", "+model.decoder_use_norm=false"])
    left = {"streams": [8, 16, 32], "num_columns_down": 2, "num_columns_up": 2, "total_dropout": 0.0}
    earlier = {key: value for key, value in today["model"].items() if key != "decoder_use_norm"}
    recorded = {**earlier, **left, "decoder_use_batchnorm": False}
    assert in_words_of_today({**today, "model": recorded}) == today
    gridnet = compose("train", ["model=gridnet"])
    assert in_words_of_today(gridnet) == gridnet


@pytest.mark.parametrize(
    "overrides",
    [
        ["callbacks=default"],
        ["loss=weighted_cross_entropy"],
        ["loss=cross_entropy_lovasz"],
        ["loss=cross_entropy_to_iou", "loss.unit=epochs"],
    ],
)
def test_an_argument_that_a_part_has_got_since_has_the_value_that_it_behaved_as(overrides: list[str]) -> None:
    today = compose("train", overrides)
    earlier = without_arguments_since(today)
    assert earlier != today
    assert in_words_of_today(earlier) == today


@pytest.mark.parametrize(
    ("word", "channels_last", "today"),
    [
        ("32-true", False, {"precision": "float32", "memory_format": "contiguous"}),
        ("32-true", True, {"precision": "float32", "memory_format": "channels_last"}),
        (None, None, {"precision": "float32", "memory_format": "contiguous"}),
        ("bf16-mixed", True, {"precision": "bfloat16", "memory_format": "channels_last"}),
        (16, False, {"precision": "float16", "memory_format": "contiguous"}),
        ("bf16-true", False, {"precision": "auto", "memory_format": "contiguous", "trainer.precision": "bf16-true"}),
    ],
)
def test_the_precision_and_memory_format_of_an_earlier_run_are_those_that_it_was_trained_in(
    word: str | int | None, channels_last: bool | None, today: dict[str, Any]
) -> None:
    expected = compose("train", [f"{key}={value}" for key, value in today.items()])
    earlier = {key: value for key, value in expected.items() if key not in ("precision", "memory_format")}
    earlier["trainer"] = {**earlier["trainer"], "precision": word}
    if channels_last is not None:
        earlier["channels_last"] = channels_last
    assert in_words_of_today(earlier) == expected


def without_arguments_since(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    since = ARGUMENTS_SINCE.get(node.get("_target_", ""), {})
    return {key: without_arguments_since(value) for key, value in node.items() if key not in since}


@pytest.mark.parametrize(
    ("recorded", "today"),
    [
        ({}, {"precision": "float32"}),
        ({"inference": {"flip": True}}, {"inference": {"flip": True}, "precision": "float32"}),
        ({"inference": {"precision": "bfloat16"}}, {"precision": "bfloat16"}),
        (
            {"inference": {"flip": True, "precision": "bfloat16"}},
            {"inference": {"flip": True}, "precision": "bfloat16"},
        ),
        ({"precision": "bfloat16"}, {"precision": "bfloat16"}),
    ],
)
def test_the_precision_of_an_earlier_evaluation_is_a_fact_of_its_own(recorded: Values, today: Values) -> None:
    assert evaluation_in_words_of_today(recorded) == today
    assert evaluation_in_words_of_today(today) == today
    assert is_of_evaluation(json.dumps(recorded), today)
