"""python -m segexp.check refuses wrong settings before it reads a data set."""

import pytest

from segexp.check.settings import CheckSettings
from segexp.config.compose import compose


@pytest.mark.parametrize(
    ("typed", "facts"),
    [
        ("splits=3", ("splits is 3", "a list of names", "[train,val]")),
        ("splits=[]", ("splits is []", "a list of names")),
        ("splits=train", ("splits is 'train'", "a list of names")),
        ("splits=[train,null]", ("splits is ['train', null]", "a list of names")),
        ("picture=null", ("picture is null", "the path of a PNG file")),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(typed: str, facts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="allowed") as error:
        CheckSettings.of(compose("check", [typed]))
    message = str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


def test_defaults_are_those_of_the_yaml() -> None:
    settings = CheckSettings.of(compose("check"))
    assert (settings.splits, settings.picture) == (("train", "val"), "outputs/check/class_shares.png")
