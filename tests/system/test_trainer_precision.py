"""One key says the precision of a training, in whichever words it was typed."""

from typing import Any

import pytest

from segexp.system.trainer_precision import trainer_word, with_one_precision

pytestmark = pytest.mark.fast


def values(precision: str, word: Any) -> dict[str, Any]:
    return {"precision": precision, "trainer": {"devices": 1, "precision": word}}


@pytest.mark.parametrize(
    ("precision", "words"),
    [
        ("float32", ("32-true", "32", 32)),
        ("bfloat16", ("bf16-mixed", "bf16")),
        ("float16", ("16-mixed", "16", 16)),
    ],
)
def test_the_word_of_lightning_is_the_same_as_ours(precision: str, words: tuple[Any, ...]) -> None:
    for word in words:
        for beside in ("auto", precision):
            assert with_one_precision(values(beside, word)) == values(precision, None)
    assert trainer_word(values(precision, None)) == words[0]


@pytest.mark.parametrize("word", ["bf16-true", "64-true", "transformer-engine", 9])
def test_a_further_word_of_lightning_governs(word: Any) -> None:
    assert with_one_precision(values("auto", word)) == values("auto", word)
    assert trainer_word(values("auto", word)) == word


@pytest.mark.parametrize(
    ("precision", "word"),
    [("float32", "bf16-mixed"), ("bfloat16", "bf16-true"), ("bfloat16", 32), ("float32", "64-true")],
)
def test_two_words_for_different_things_are_refused(precision: str, word: Any) -> None:
    with pytest.raises(ValueError, match=f"trainer.precision is {word!r} and precision is {precision!r}.*leave one"):
        with_one_precision(values(precision, word))


def test_a_trainer_without_the_key_is_one_that_leaves_it_open() -> None:
    assert with_one_precision({"precision": "auto", "trainer": {}}) == {"precision": "auto", "trainer": {}}
