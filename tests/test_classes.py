"""Groupings of labels by name, compared with the labels that the Cityscapes benchmark publishes."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from cityscapesscripts.helpers.labels import labels as official
from hydra.utils import get_object

from segexp import build
from segexp.classes import UNKNOWN_LABEL, Grouping, Label, LabelTable
from segexp.config.compose import compose, config_folder
from segexp.data.camvid import CAMVID
from segexp.data.cityscapes import CITYSCAPES
from segexp.types import VOID

NUM_CLASSES = {"camvid11": 11, "cityscapes19": 19, "cityscapes8": 8, "cityscapes7": 7}
RED, BLUE = [255, 0, 0], [0, 0, 255]


def grouping(option: str) -> Grouping:
    return build.grouping(compose("train", [f"classes={option}"]))


def fitting_tables(option: str) -> list[LabelTable]:
    """Find the label tables of those data sets in conf/data that have all labels of the grouping."""
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
    classes, tables = grouping(option), fitting_tables(option)
    assert tables, f"no data set of conf/data has the labels of {option}"
    for table in tables:
        assert set(classes.lookup(table)) - {VOID, UNKNOWN_LABEL} == set(range(classes.num_classes))


def test_cityscapes_table_is_the_official_one() -> None:
    ours = [(each.name, each.id, each.color, each.category, each.has_instances) for each in CITYSCAPES.labels]
    assert ours == [(each.name, each.id, each.color, each.category, each.hasInstances) for each in official]


def test_the_benchmark_scores_the_labels_that_it_says() -> None:
    assert [each.is_scored for each in CITYSCAPES.labels] == [not each.ignoreInEval for each in official]


def test_cityscapes19_gives_the_official_train_ids_names_and_colors() -> None:
    classes = grouping("cityscapes19")
    expected = sorted((each for each in official if each.trainId not in (-1, 255)), key=lambda each: each.trainId)
    assert classes.names == tuple(each.name for each in expected)
    assert classes.colors.tolist() == [list(each.color) for each in expected]
    lookup = classes.lookup(CITYSCAPES)
    assert [lookup[each.id % 256] for each in official] == [each.trainId % 256 for each in official]


def test_cityscapes7_gives_the_official_categories_and_ignores_what_the_benchmark_ignores() -> None:
    classes = grouping("cityscapes7")
    lookup = classes.lookup(CITYSCAPES)
    for label in official:
        train_id = lookup[label.id % 256]
        assert train_id == VOID if label.ignoreInEval else classes.names[train_id] == label.category


def test_the_mask_value_of_a_class_belongs_to_this_class() -> None:
    for name in ("cityscapes8", "cityscapes19"):
        mask_values = grouping(name).mask_values(CITYSCAPES)
        assert grouping(name).lookup(CITYSCAPES)[mask_values].tolist() == list(range(len(mask_values)))
    assert CITYSCAPES.mask_values() == [label.id if label.id >= 0 else 255 for label in CITYSCAPES.labels]


def test_cityscapes8_leaves_no_pixel_void() -> None:
    lookup = grouping("cityscapes8").lookup(CITYSCAPES)
    assert VOID not in lookup[[label.id % 256 for label in CITYSCAPES.labels]]


def test_cityscapes8_follows_the_categories_but_for_labels_that_are_void() -> None:
    classes = grouping("cityscapes8")
    lookup = classes.lookup(CITYSCAPES)
    for label in CITYSCAPES.labels[:-1]:  # the license plate, last, is of the vehicle category but never drawn
        assert classes.names[lookup[label.id]] == label.category


def test_unknown_mask_values_differ_from_void() -> None:
    lookup = grouping("camvid11").lookup(CAMVID)
    assert (lookup[11], lookup[12]) == (VOID, UNKNOWN_LABEL)


def test_ids_of_one_name_are_one_label() -> None:
    table = LabelTable(
        "mine", (Label("road", 0, (0, 0, 0)), Label("car", 2, (0, 0, 0)), Label("road", 1, (0, 0, 0), "b"))
    )
    mine = Grouping("mine", {"car": {"labels": ["car"], "color": RED}, "road": {"labels": ["road"], "color": BLUE}})
    assert mine.lookup(table)[:4].tolist() == [1, 1, 0, UNKNOWN_LABEL]
    assert mine.label_ids(table) == ((2,), (0, 1))
    assert mine.mask_values(table).tolist() == [2, 0]
    assert mine.categories(table) == (None, None)
    assert table.by_name()["road"].id == 0


@pytest.mark.parametrize("ids", [(-1, 255), (3, 3)])
def test_labels_that_a_mask_cannot_tell_apart_are_named(ids: tuple[int, int]) -> None:
    first, second = ids
    with pytest.raises(ValueError, match=f"both {second} in a mask file") as error:
        LabelTable("mine", (Label("a", first, (0, 0, 0)), Label("b", second, (0, 0, 0))))
    facts, message = ("mine", f"'a' with id {first}", f"'b' with id {second}"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


def test_categories_of_a_mixed_class_are_none() -> None:
    thing, sky = {"labels": ["car", "person"], "color": RED}, {"labels": ["sky"], "color": BLUE}
    assert Grouping("mixed", {"thing": thing, "sky": sky}).categories(CITYSCAPES) == (None, "sky")


def test_a_grouping_of_one_class_is_refused_with_the_cure() -> None:
    with pytest.raises(
        ValueError, match=r"'lonely' has 1 classes; between 2 and 253 .* the other labels a second class"
    ):
        Grouping("lonely", {"road": {"labels": ["road"], "color": RED}})


def test_a_label_listed_twice_is_named() -> None:
    with pytest.raises(ValueError, match=r"'twice'.*label \['road'\].*more than once"):
        Grouping("twice", {"a": {"labels": ["road"], "color": RED}, "b": {"labels": ["road"], "color": BLUE}})


def test_a_clash_of_colors_is_named() -> None:
    with pytest.raises(ValueError, match=r"'clash'.*color \[\(255, 0, 0\)\].*more than once"):
        Grouping("clash", {"a": {"labels": ["road"], "color": RED}, "b": {"labels": ["sky"], "color": RED}})


def test_a_class_without_labels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'empty'.*class 'a'.*labels: \[one label or more\]"):
        Grouping("empty", {"a": {"labels": [], "color": RED}, "b": {"labels": ["sky"], "color": BLUE}})


def test_a_grouping_that_does_not_fit_names_its_unknown_labels_and_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"\['raod'\] are not labels of camvid") as error:
        Grouping(
            "typo", {"road": {"labels": ["raod"], "color": RED}, "sky": {"labels": ["sky"], "color": BLUE}}
        ).lookup(CAMVID)
    facts, message = ("'typo'", "known labels", "'road'", "'bicyclist'", "classes="), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


def test_every_grouping_yaml_says_what_it_is() -> None:
    for path in Path(config_folder() / "classes").glob("*.yaml"):
        assert path.read_text().startswith("# "), path
        assert yaml.safe_load(path.read_text())["name"] == path.stem


def test_lookup_is_a_table_of_256_bytes() -> None:
    lookup = grouping("cityscapes19").lookup(CITYSCAPES)
    assert (lookup.dtype, lookup.shape) == (np.uint8, (256,))


def test_a_class_is_found_by_its_name_or_the_known_ones_are_listed() -> None:
    grouping = Grouping(
        "two", {"road": {"labels": ["road"], "color": [0, 0, 1]}, "car": {"labels": ["car"], "color": [0, 0, 2]}}
    )
    assert (grouping.train_id("road"), grouping.train_id("car")) == (0, 1)
    with pytest.raises(ValueError, match="'cra' is not a class of two; classes: road, car"):
        grouping.train_id("cra")
