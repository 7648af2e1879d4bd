"""Images that are too small for networks are found before a training begins, with their files."""

from pathlib import Path

import pytest

from segexp import build
from segexp.check.scan import scan
from segexp.config.compose import compose
from segexp.data.samples import EvaluationSamples, TrainingSamples
from segexp.data.scenes import FileScenes
from segexp.data.small_images import refuse_small_images
from segexp.types import Values
from tests.data import trees
from tests.data.scene_files import LOOKUP, SOURCE, write_scene

pytestmark = pytest.mark.fast

CLASSES = {
    "_target_": "segexp.classes.Grouping",
    "name": "two",
    "classes": {name: {"labels": [name], "color": [n, n, n]} for n, name in enumerate(("car", "road"))},
}


@pytest.fixture
def values(tmp_path: Path) -> Values:
    """Of a training on images of 24 rows."""
    return compose("train", ["data=folder", *trees.folder(tmp_path)]) | {"classes": CLASSES}


def test_before_a_training_begins_the_first_is_named(values: Values, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"2 of 2 images are too small, the first is .*images/val/0\.jpg has 24 rows and 40"
    ):
        build.data(values).check_splits()
    values["data"]["image_size"] = [48, 80]
    build.data(values).check_splits()


def test_a_check_names_every_one_unless_they_will_be_resized(values: Values) -> None:
    source, grouping = build.source(values), build.grouping(values)
    problems = scan(source, grouping, "train").problems
    assert len(problems) == 2
    assert "1.jpg has 24 rows and 40 columns; allowed: at least 32 each way" in problems[1]
    assert scan(source, grouping, "train", (48, 80)).problems == []


def test_whoever_reads_one_is_told_its_name(tmp_path: Path) -> None:
    scenes = FileScenes(SOURCE, [write_scene(tmp_path, "narrow", (64, 20))], LOOKUP)
    with pytest.raises(ValueError, match="scene 'narrow' has 64 rows and 20 columns; .*set data.image_size"):
        EvaluationSamples(scenes, None)[0]
    with pytest.raises(ValueError, match="scene 'narrow' has 64 rows and 20 columns"):
        TrainingSamples(scenes, None, lambda sample, epoch, index: sample)[0, 0]
    assert EvaluationSamples(scenes, (64, 64))[0].image.shape == (3, 64, 64)


def test_sizes_come_from_the_first_bytes_of_the_files(tmp_path: Path) -> None:
    pair = write_scene(tmp_path, "torn", (40, 40))
    pair.image.write_bytes(pair.image.read_bytes()[:100])
    refuse_small_images([pair])
