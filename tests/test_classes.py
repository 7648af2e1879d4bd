"""Groupings by label name, held against the labels that the benchmark publishes."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from cityscapesscripts.helpers.labels import labels as official
from hydra.utils import get_object

from segexp import build
from segexp.classes import CAMVID, CITYSCAPES, UNKNOWN, Grouping, Label, LabelTable
from segexp.config.compose import compose, config_folder
from segexp.types import VOID

NUM_CLASSES = {"camvid11": 11, "cityscapes19": 19, "cityscapes8": 8, "cityscapes7": 7}
RED, BLUE = [255, 0, 0], [0, 0, 255]


def grouping(option: str) -> Grouping:
    return build.grouping(compose("train", [f"classes={option}"]))


def fitting_tables(option: str) -> list[LabelTable]:
    """Label tables of the data sets in conf/data that the grouping can be used with."""
    files = (config_folder() / "data").glob("*.yaml")
    sources = [get_object(yaml.safe_load(file.read_text())["_target_"]) for file in files]
    labels = {label for entry in grouping(option).classes for label in entry.labels}
    tables = [source.table for source in sources if hasattr(source, "table")]
    return [table for table in tables if labels <= set(table.by_name())]


def test_every_grouping_has_the_expected_number_of_classes() -> None:
    options = [path.stem for path in (config_folder() / "classes").glob("*.yaml")]
    assert {option: grouping(option).num_classes for option in options} == NUM_CLASSES


@pytest.mark.parametrize("option", NUM_CLASSES)
def test_every_class_of_a_grouping_is_reached_by_some_label(option: str) -> None:
    found, tables = grouping(option), fitting_tables(option)
    assert tables, f"no data set of conf/data has the labels of {option}"
    for table in tables:
        assert set(found.lookup(table)) - {VOID, UNKNOWN} == set(range(found.num_classes))


def test_cityscapes_table_is_the_official_one() -> None:
    ours = [(each.name, each.id, each.color, each.category, each.has_instances) for each in CITYSCAPES.labels]
    assert ours == [(each.name, each.id, each.color, each.category, each.hasInstances) for each in official]


def test_the_benchmark_scores_the_labels_that_it_says() -> None:
    assert [each.is_scored for each in CITYSCAPES.labels] == [not each.ignoreInEval for each in official]


def test_cityscapes19_gives_the_official_train_ids_names_and_colors() -> None:
    found = grouping("cityscapes19")
    trained = sorted((each for each in official if each.trainId not in (-1, 255)), key=lambda each: each.trainId)
    assert found.names == tuple(each.name for each in trained)
    assert found.colors.tolist() == [list(each.color) for each in trained]
    lookup = found.lookup(CITYSCAPES)
    assert [lookup[each.id % 256] for each in official] == [each.trainId % 256 for each in official]


def test_cityscapes7_gives_the_official_categories_and_ignores_what_the_benchmark_ignores() -> None:
    found = grouping("cityscapes7")
    lookup = found.lookup(CITYSCAPES)
    for label in official:
        train_id = lookup[label.id % 256]
        assert train_id == VOID if label.ignoreInEval else found.names[train_id] == label.category


def test_the_byte_that_stands_for_a_class_belongs_to_it_in_a_mask() -> None:
    for name in ("cityscapes8", "cityscapes19"):
        written = grouping(name).written_ids(CITYSCAPES)
        assert grouping(name).lookup(CITYSCAPES)[written].tolist() == list(range(len(written)))
    assert CITYSCAPES.written_ids() == [label.id if label.id >= 0 else 255 for label in CITYSCAPES.labels]


def test_cityscapes8_leaves_no_pixel_void() -> None:
    lookup = grouping("cityscapes8").lookup(CITYSCAPES)
    assert VOID not in lookup[[label.id % 256 for label in CITYSCAPES.labels]]


def test_cityscapes8_follows_the_categories_but_for_labels_that_are_void() -> None:
    found = grouping("cityscapes8")
    lookup = found.lookup(CITYSCAPES)
    for label in CITYSCAPES.labels[:-1]:  # the license plate, last, is of the vehicle category but never drawn
        assert found.names[lookup[label.id]] == label.category


def test_bytes_that_are_no_label_are_told_from_void() -> None:
    lookup = grouping("camvid11").lookup(CAMVID)
    assert (lookup[11], lookup[12]) == (VOID, UNKNOWN)


def test_ids_of_one_name_are_one_label() -> None:
    table = LabelTable(
        "mine", (Label("road", 0, (0, 0, 0)), Label("car", 2, (0, 0, 0)), Label("road", 1, (0, 0, 0), "b"))
    )
    found = Grouping("mine", {"car": {"labels": ["car"], "color": RED}, "road": {"labels": ["road"], "color": BLUE}})
    assert found.lookup(table)[:4].tolist() == [1, 1, 0, UNKNOWN]
    assert found.label_ids(table) == ((2,), (0, 1))
    assert found.written_ids(table).tolist() == [2, 0]
    assert found.categories(table) == (None, None)
    assert table.by_name()["road"].id == 0


@pytest.mark.parametrize("ids", [(-1, 255), (3, 3)])
def test_labels_that_a_mask_cannot_tell_apart_are_named(ids: tuple[int, int]) -> None:
    first, second = ids
    with pytest.raises(ValueError, match=f"'a' with id {first} and 'b' with id {second} are both {second} in a mask"):
        LabelTable("mine", (Label("a", first, (0, 0, 0)), Label("b", second, (0, 0, 0))))


def test_categories_of_a_mixed_class_are_none() -> None:
    mixed = Grouping("mixed", {"thing": {"labels": ["car", "person"], "color": RED}})
    assert mixed.categories(CITYSCAPES) == (None,)


def test_a_label_listed_twice_is_named() -> None:
    with pytest.raises(ValueError, match=r"grouping 'twice': label \['road'\] listed more than once"):
        Grouping("twice", {"a": {"labels": ["road"], "color": RED}, "b": {"labels": ["road"], "color": BLUE}})


def test_a_clash_of_colors_is_named() -> None:
    with pytest.raises(ValueError, match=r"color \[\(255, 0, 0\)\] listed more than once"):
        Grouping("clash", {"a": {"labels": ["road"], "color": RED}, "b": {"labels": ["sky"], "color": RED}})


def test_a_class_without_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="class 'a'.*needs labels"):
        Grouping("empty", {"a": {"labels": [], "color": RED}})


def test_a_grouping_that_does_not_fit_names_its_unknown_labels_and_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"\['raod'\] are not labels of camvid; known labels: .*'road'"):
        Grouping("typo", {"road": {"labels": ["raod"], "color": RED}}).lookup(CAMVID)


def test_every_grouping_yaml_says_what_it_is() -> None:
    for path in Path(config_folder() / "classes").glob("*.yaml"):
        assert path.read_text().startswith("# "), path
        assert yaml.safe_load(path.read_text())["name"] == path.stem


def test_lookup_is_a_byte_table() -> None:
    lookup = grouping("cityscapes19").lookup(CITYSCAPES)
    assert (lookup.dtype, lookup.shape) == (np.uint8, (256,))
