"""The labels that a user writes down for a folder of their own."""

import pytest

from segexp.classes import UNKNOWN, Grouping
from segexp.config.compose import compose
from segexp.data.folder import Folder

TWO = {"road": {"labels": ["road"], "color": [1, 0, 0]}, "car": {"labels": ["car"], "color": [0, 1, 0]}}


def labelled(typed: str) -> Folder:
    """A folder with data.labels as typed on the command line."""
    overrides = ["data=folder", "data.root=d", f"data.labels={typed}", "classes=camvid11"]
    return Folder("d", "images", "masks", dict(compose("train", overrides).data.labels))


def test_two_ids_of_one_name_are_one_class() -> None:
    table = labelled("{0: road, 1: road, 2: car}").table
    assert Grouping("two", TWO).lookup(table)[:4].tolist() == [0, 0, 1, UNKNOWN]


def test_two_names_of_one_byte_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'road' with id -1 and 'car' with id 255 are both 255"):
        labelled("{-1: road, 255: car}")


@pytest.mark.parametrize("typed", ["{road: 0}", "{1.5: road}", "{true: road}", "{256: road}", "{-2: road}"])
def test_what_is_no_id_is_named_with_the_key_and_what_is_needed(typed: str) -> None:
    with pytest.raises(ValueError, match=r"data\.labels: .* is no label id; .*as in \{0: background, 1: road\}"):
        labelled(typed)
