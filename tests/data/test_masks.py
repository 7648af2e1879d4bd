"""A source reads masks of any format; whatever goes wrong there is told with the file and the method."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from segexp import build
from segexp.check.scan import scan
from segexp.classes import Grouping, Label, LabelTable
from segexp.data.counts import class_counts
from segexp.data.pairs import Pair, complete_pairs
from segexp.data.reading import read_label_ids, read_pair, read_values
from segexp.system.remote import open_file
from segexp.types import VOID, Bytes

pytestmark = pytest.mark.fast

TABLE = LabelTable("three", (Label("ground", 0, (0, 0, 0)), Label("road", 1, (9, 9, 9)), Label("car", 7, (0, 0, 142))))
GROUPING = Grouping("two", {name: {"labels": [name], "color": [n, n, n]} for n, name in enumerate(("road", "car"))})
SIZE = (40, 60)
EXPECTED = np.zeros(SIZE, np.uint8)
EXPECTED[10:40], EXPECTED[20:30, 5:26] = 1, 7


@dataclass
class Polygons:
    """Masks as JSON, drawn with Pillow: a polygon covers what was drawn before it."""

    root: Path
    table = TABLE

    def pairs(self, split: str) -> list[Pair]:
        folder = self.root / split
        pairs = [Pair(image, image.with_suffix(".json"), image.stem) for image in folder.glob("*.jpg")]
        return complete_pairs(pairs, folder.glob("*.json"), f"{folder}/*.jpg")

    def mask(self, pair: Pair) -> Bytes:
        with open_file(pair.mask) as file:
            scene = json.load(file)
        drawing = Image.new("L", (scene["width"], scene["height"]))
        for polygon in scene["polygons"]:
            points = [(x, y) for x, y in polygon["points"]]
            ImageDraw.Draw(drawing).polygon(points, fill=self.table.by_name()[polygon["label"]].id)
        return np.array(drawing)


@dataclass
class SixteenBits:
    """Masks of 16 bits, the label id times 1000 and the number of the object."""

    root: Path
    table = TABLE

    def pairs(self, split: str) -> list[Pair]:
        folder = self.root / split
        pairs = [Pair(image, image.with_suffix(".png"), image.stem) for image in folder.glob("*.jpg")]
        return complete_pairs(pairs, folder.glob("*.png"), f"{folder}/*.jpg")

    def mask(self, pair: Pair) -> Bytes:
        return (read_values(pair.mask) // 1000).astype(np.uint8)


def write_polygons(path: Path) -> None:
    road = {"label": "road", "points": [[0, 10], [59, 10], [59, 39], [0, 39]]}
    car = {"label": "car", "points": [[5, 20], [25, 20], [25, 29], [5, 29]]}
    path.write_text(json.dumps({"width": 60, "height": 40, "polygons": [road, car]}))


def write_sixteen_bits(path: Path) -> None:
    Image.fromarray(EXPECTED.astype(np.uint16) * 1000 + np.arange(60, dtype=np.uint16)).save(path)


Write = tuple[Callable[[Path], Any], str, Callable[[Path], None]]
FORMATS: list[Write] = [(Polygons, ".json", write_polygons), (SixteenBits, ".png", write_sixteen_bits)]


def write_scenes(root: Path, ending: str, write: Callable[[Path], None]) -> None:
    (root / "train").mkdir()
    for name in "abc":
        Image.new("RGB", SIZE[::-1]).save(root / f"train/{name}.jpg")
        write(root / f"train/{name}{ending}")


@pytest.mark.parametrize(("source_class", "ending", "write"), FORMATS)
def test_polygons_and_sixteen_bits_are_read_and_counted_as_label_ids(
    source_class, ending: str, write, tmp_path: Path
) -> None:
    write_scenes(tmp_path, ending, write)
    source = source_class(tmp_path)
    pair = source.pairs("train")[0]
    assert np.array_equal(read_label_ids(source, pair), EXPECTED)
    _, target = read_pair(source, pair, GROUPING.lookup(TABLE))
    assert np.array_equal(target, np.select([EXPECTED == 1, EXPECTED == 7], [0, 1], VOID))
    assert class_counts(source, "train", GROUPING).pixels == [3 * 1590, 3 * 210]


@pytest.mark.parametrize(("source_class", "ending", "write"), FORMATS)
def test_a_check_names_torn_missing_and_unfitting_masks_of_any_format(
    source_class, ending: str, write, tmp_path: Path
) -> None:
    write_scenes(tmp_path, ending, write)
    torn, missing, small = (tmp_path / f"train/{name}{ending}" for name in "abc")
    torn.write_bytes(torn.read_bytes()[:50])
    missing.unlink()
    Image.new("RGB", (30, 30)).save(small.with_suffix(".jpg"))
    result = scan(source_class(tmp_path), GROUPING, "train")
    for file in (torn, missing, small):
        assert any(str(file) in problem for problem in result.problems), result.problems
    assert len(result.problems) == 3
    assert any("download this file again" in problem for problem in result.problems)


def test_what_a_file_lacks_is_told_with_the_file_and_the_method(tmp_path: Path) -> None:
    write_scenes(tmp_path, ".json", lambda path: path.write_text('{"width": 60, "height": 40, "objects": []}'))
    source = Polygons(tmp_path)
    with pytest.raises(ValueError, match="download this file again, or correct the method") as error:
        read_label_ids(source, source.pairs("train")[0])
    facts, message = (f"{__name__}.Polygons.mask", "train/a.json", "KeyError: 'polygons'"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


class Returns:
    """A source whose method returns, or raises, what it is given."""

    def __init__(self, outcome: object) -> None:
        self.outcome = outcome

    def mask(self, pair: Pair) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def pair_of(folder: Path) -> Pair:
    return Pair(folder / "a.jpg", folder / "a.png", "a")


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (np.zeros((4, 6)), "float64 of shape [4, 6]"),
        (np.zeros((4, 6), np.int32), "int32 of shape [4, 6]"),
        (np.zeros((4, 6, 3), np.uint8), "uint8 of shape [4, 6, 3]"),
        ([[0, 1]], "list"),
        (None, "NoneType"),
    ],
)
def test_another_array_than_label_ids_is_refused(outcome: object, kind: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="correct the method") as error:
        read_label_ids(Returns(outcome), pair_of(tmp_path))
    facts, message = (f"{__name__}.Returns.mask", kind, str(tmp_path / "a.png"), "uint8"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


def test_an_error_that_names_the_file_already_stays_as_it_is(tmp_path: Path) -> None:
    said = f"{tmp_path / 'a.png'} is of 2019; copy the masks of 2020"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        read_label_ids(Returns(ValueError(said)), pair_of(tmp_path))


def test_too_little_memory_is_no_fault_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(MemoryError):
        read_label_ids(Returns(MemoryError()), pair_of(tmp_path))


def test_a_data_set_without_mask_is_refused_when_it_is_built_with_the_line_that_it_needs() -> None:
    with pytest.raises(ValueError, match=r"Returns is not a data set: it has no table, pairs; .*mask\(pair\) return"):
        build.source_from({"_target_": f"{__name__}.Returns", "outcome": None})
