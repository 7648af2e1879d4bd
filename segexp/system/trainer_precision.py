"""What `precision=` of a training means in the words of Lightning, and the other way round."""

from collections.abc import Mapping
from typing import Any, cast

from segexp.types import Precision, Values

TRAINER_WORDS: Mapping[Precision, str] = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}
"""All of them keep the weights in float32."""
SHORT_WORDS: Mapping[str, Precision] = {"32": "float32", "bf16": "bfloat16", "16": "float16"}
"""Which Lightning takes, too."""
PRECISIONS: Mapping[str, Precision] = {**{word: name for name, word in TRAINER_WORDS.items()}, **SHORT_WORDS}


def with_one_precision(values: Mapping[str, Any]) -> Values:
    """The configuration of a training with `precision` in place of a `trainer.precision` that says the same.

    A further word of Lightning, such as bf16-true, stays where it is and governs; `precision` is auto beside it.
    Raises ValueError if both are set and do not say the same.
    """
    trainer = values["trainer"]
    word, precision = trainer.get("precision"), values["precision"]
    if word is None:
        return dict(values)
    meaning = PRECISIONS.get(str(word))
    if precision not in ("auto", meaning):
        pairs = ", ".join(f"{name} is {each}" for name, each in TRAINER_WORDS.items())
        raise ValueError(
            f"trainer.precision is {word!r} and precision is {precision!r}, which are not the same; allowed: one of "
            f"them, or both with one meaning ({pairs}); leave one out"
        )
    if meaning is None:
        return dict(values)
    return {**values, "precision": meaning, "trainer": {**trainer, "precision": None}}


def trainer_word(values: Mapping[str, Any]) -> Any:
    """What Lightning's Trainer is given as its precision, for a configuration in which it is decided."""
    further = values["trainer"].get("precision")
    return TRAINER_WORDS[cast(Precision, values["precision"])] if further is None else further
