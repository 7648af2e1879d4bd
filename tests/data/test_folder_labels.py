"""The labels that a user types for a folder of their own."""

import pytest

from segexp.classes import UNKNOWN_LABEL, Grouping
from segexp.config.compose import compose
from segexp.data.folder import Folder

TWO = {"road": {"labels": ["road"], "color": [1, 0, 0]}, "car": {"labels": ["car"], "color": [0, 1, 0]}}


def folder_with_labels(typed: str) -> Folder:
    """Build a folder with data.labels as typed on the command line."""
    overrides = ["data=folder", "data.root=d", f"data.labels={typed}", "classes=camvid11"]
    return Folder("d", "images", "masks", compose("train", overrides)["data"]["labels"])


def test_two_ids_of_one_name_are_one_class() -> None:
    table = folder_with_labels("{0: road, 1: road, 2: car}").table
    assert Grouping("two", TWO).lookup(table)[:4].tolist() == [0, 0, 1, UNKNOWN_LABEL]


def test_two_names_of_one_byte_are_refused() -> None:
    with pytest.raises(ValueError, match="both 255") as error:
        folder_with_labels("{-1: road, 255: car}")
    facts, message = ("'road' with id -1", "'car' with id 255"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


@pytest.mark.parametrize("label_id", ["road", "1.5", "True", "256", "-2"])
def test_a_key_that_is_no_label_id_is_named_with_the_allowed_ids_and_an_example(label_id: str) -> None:
    with pytest.raises(ValueError, match="not a label id") as error:
        folder_with_labels(f"{{{label_id}: road}}")
    facts, message = ("data.labels", label_id, "0 to 255", "-1", "{0: background, 1: road}"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message
