"""Every option of conf/data lists scenes and reads their masks as label ids, in any process."""

import pickle
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from segexp import build
from segexp.config.compose import compose
from segexp.data.cache.source_version import source_version
from segexp.data.pairs import Pair, Source, fingerprint
from segexp.data.reading import read_label_ids, read_size
from segexp.types import Values
from tests.data import trees
from tests.options import folders, options

pytestmark = pytest.mark.fast

OPTIONS = options("data")
NUM_SCENES = 3
"""Scenes of each split that are read: an option may name a whole data set."""


def test_options_are_found() -> None:
    assert len(OPTIONS) >= 4


@pytest.fixture(params=OPTIONS)
def values(request: pytest.FixtureRequest, tmp_path: Path) -> Values:
    """The settings with which an option is read: of a small tree, or as they are in an option that has none."""
    write_tree = getattr(trees, request.param, lambda root: [])
    return compose("train", [f"data={request.param}", *write_tree(tmp_path)], folders()[1:])


@pytest.fixture
def splits(values: Values) -> list[list[Pair]]:
    """The scenes of the training and the validation split."""
    source = build.source(values)
    return [source.pairs(values["data"][key]) for key in ("train_split", "val_split")]


def some(splits: list[list[Pair]]) -> list[Pair]:
    return [*chain.from_iterable(pairs[:NUM_SCENES] for pairs in splits)]


def test_names_are_unique_in_a_split_and_in_order(splits: list[list[Pair]]) -> None:
    for pairs in splits:
        names = [pair.name for pair in pairs]
        assert names == sorted(set(names))
        assert names


def test_its_classes_are_chosen_with_it(values: Values) -> None:
    if "labels" in values["data"]:
        pytest.skip("its labels, and with them the classes, are the user's own")
    grouping = build.grouping(values)
    assert set(grouping.lookup(build.source(values).table)) >= set(range(grouping.num_classes))


def test_masks_are_label_ids_of_the_size_of_their_images(values: Values, splits: list[list[Pair]]) -> None:
    source = build.source(values)
    for pair in some(splits):
        label_ids = read_label_ids(source, pair)  # which checks type and number of dimensions
        assert label_ids.shape == read_size(pair.image)
        assert set(np.unique(label_ids)) <= set(source.table.mask_values())


def test_the_same_is_read_again_and_by_a_source_in_another_process(values: Values, splits: list[list[Pair]]) -> None:
    source: Source = build.source(values)
    elsewhere = pickle.loads(pickle.dumps(source))
    assert elsewhere.table == source.table
    assert elsewhere.pairs(values["data"]["val_split"]) == splits[1]
    for pair in some(splits):
        first = read_label_ids(source, pair).copy()
        assert np.array_equal(read_label_ids(source, pair), first)
        assert np.array_equal(read_label_ids(elsewhere, pair), first)


def test_reading_does_not_change_what_identifies_cached_targets(values: Values, splits: list[list[Pair]]) -> None:
    source = build.source(values)
    before = source_version(source), fingerprint(splits[0])
    for pair in some(splits):
        source.mask(pair)
    assert (source_version(source), fingerprint(splits[0])) == before
    assert source_version(build.source(values)) == before[0]
