"""python -m segexp.check says what is wrong with its settings before it reads a data set."""

from pathlib import Path

import pytest

from segexp.check.__main__ import asked
from segexp.config.compose import compose


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("splits=3", r"splits is 3; needed is a list of names: splits=\[train,val\]"),
        ("splits=[]", r"splits is \[\]; needed is a list"),
        ("splits=train", "splits is 'train'; needed is a list"),
        ("splits=[train,null]", r"splits is \['train', None\]; needed is a list of names"),
        ("picture=null", "picture is None; needed is the path of a PNG file"),
    ],
)
def test_a_value_that_cannot_be_is_named(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        asked(compose("check", [typed]))


def test_what_is_asked_for_by_default() -> None:
    assert asked(compose("check")) == (["train", "val"], Path("outputs/check/class_shares.png"))
