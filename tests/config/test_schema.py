"""A setting that its type does not allow is refused with its key, what was found, and what is allowed."""

from typing import Any, Literal

import pytest

from segexp.config.schema import Count, NotNegative, Positive, Settings, Size, Text, checked


class Inner(Settings):
    count: Count
    size: Size | None


class Outer(Settings):
    kind: Literal["one", "two", None]
    rate: NotNegative
    share: Positive
    name: Text | None
    inner: Inner
    is_on: bool
    names: list[Text]


GOOD: dict[str, Any] = {
    "kind": "one",
    "rate": 0.5,
    "share": 0.5,
    "name": None,
    "inner": {"count": 1, "size": [32, 64]},
    "is_on": True,
    "names": ["a"],
}


def refusal(changes: dict[str, Any], without: str = "") -> str:
    values = {key: value for key, value in {**GOOD, **changes}.items() if key != without}
    with pytest.raises(ValueError, match=".") as refused:
        Outer.of(values)
    return str(refused.value)


def test_allowed_values_are_kept_and_a_list_of_yaml_becomes_a_tuple() -> None:
    settings = Outer.of(GOOD)
    assert (settings.kind, settings.name, settings.inner.size) == ("one", None, (32, 64))


def test_a_whole_number_is_a_number_and_a_truth_value_is_none() -> None:
    assert Outer.of({**GOOD, "rate": 2}).rate == 2.0
    assert "rate is true" in refusal({"rate": True})
    assert "inner.count is true" in refusal({"inner": {"count": True, "size": None}})


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"kind": "three"}, ("kind is 'three'", "one, two, null")),
        ({"rate": float("nan")}, ("rate is nan", "at least 0")),
        ({"share": 0}, ("share is 0", "above 0")),
        ({"name": ""}, ("name is ''", "null", "a text")),
        ({"is_on": "yes"}, ("is_on is 'yes'", "true, false")),
        ({"names": "a"}, ("names is 'a'", "a list", "names=[a]")),
        ({"names": [1]}, ("names.0 is 1", "a text")),
        ({"inner": 3}, ("inner is 3", "inner.KEY=VALUE")),
        ({"inner": {"count": 0, "size": None}}, ("inner.count is 0", "at least 1")),
        ({"inner": {"count": 1, "size": [16, 64]}}, ("inner.size is [16, 64]", "null", "each at least 32")),
        ({"inner": {"count": 1}}, ("no inner.size", "do not delete it")),
        ({"inner": {"count": 1, "size": None, "sizes": 1}}, ("no key 'inner.sizes'", "count, size")),
        ({"names_": 1}, ("no key 'names_'", "kind, rate", "names")),
    ],
)
def test_a_refusal_says_place_value_and_what_is_allowed(changes: dict[str, Any], facts: tuple[str, ...]) -> None:
    said = refusal(changes)
    assert [fact for fact in facts if fact not in said] == [], said
    assert "\n" not in said


def test_a_deleted_key_is_named() -> None:
    assert "no rate" in refusal({}, without="rate")


def test_a_single_value_is_checked_under_its_own_key() -> None:
    assert checked(Size | None, "data.image_size", [64, 64]) == (64, 64)
    assert checked(Size | None, "data.image_size", None) is None
    with pytest.raises(ValueError, match=r"^data\.image_size is 64; allowed: .*\[height, width\]"):
        checked(Size | None, "data.image_size", 64)
