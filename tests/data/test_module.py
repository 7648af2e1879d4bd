"""A training lists the scenes of a split once."""

from collections.abc import Callable
from typing import Any

from segexp import build


def test_a_split_is_listed_once(compose_small: Callable[..., Any]) -> None:
    data = build.data(compose_small())
    assert data.pairs("train") == data.source.pairs("train")
    assert data.pairs("train") is data.pairs("train")
