"""The embedded data set: its content, and that it exists completely or not at all."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.data.cityscapes import CITYSCAPES
from segexp.data.streets import Streets
from segexp.streetscenes.files import SceneFile
from segexp.streetscenes.parallel import SCENES_PER_PROCESS, write_scenes
from segexp.streetscenes.render import render
from tests.full_disk import full_disk

IDS = {label.name: label.id for label in CITYSCAPES.labels}
FLAT_AND_CONSTRUCTION = ["road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign"]
NATURE_AND_SKY = ["vegetation", "terrain", "sky"]
MOVING = ["person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"]
EVALUATED = [*FLAT_AND_CONSTRUCTION, *NATURE_AND_SKY, *MOVING]
RENDER = "import sys; from segexp.data.streets import Streets; Streets(sys.argv[1], 12, 2, 32, 64).pairs('train')"
RENDER_AND_KILL = f"""
import os, signal
from itertools import count
from segexp.streetscenes import parallel
write, numbers = parallel.write_scene, count(1)
def write_three_scenes(scene):
    write(scene)
    if next(numbers) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
parallel.write_scene = write_three_scenes
{RENDER}
"""


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Streets:
    streets = Streets(str(tmp_path_factory.mktemp("streets")), num_train=24, num_val=3, height=96, width=192)
    streets.pairs("train")
    return streets


@pytest.fixture(scope="module")
def label_ids(streets: Streets) -> np.ndarray:
    """Masks of the training split, uint8 [scene, H, W]."""
    return np.stack([read(pair.mask) for pair in streets.pairs("train")])


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}


def start(root: Path, program: str = RENDER) -> subprocess.Popen:
    command = [sys.executable, "-c", program, str(root)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_same_seed_gives_same_bytes_and_another_seed_others():
    first, repeated, other = (render(seed, "train", 5, 64, 128) for seed in (0, 0, 1))
    assert first.image.tobytes() == repeated.image.tobytes()
    assert first.ids.tobytes() == repeated.ids.tobytes()
    assert first.image.tobytes() != other.image.tobytes()


def test_train_and_val_share_no_scene_and_no_city(streets: Streets):
    train, val = streets.pairs("train"), streets.pairs("val")
    assert (len(train), len(val)) == (24, 3)
    assert not {pair.image.read_bytes() for pair in train} & {pair.image.read_bytes() for pair in val}
    assert not {pair.image.parent.name for pair in train} & {pair.image.parent.name for pair in val}


@pytest.mark.parametrize("name", EVALUATED)
def test_every_evaluated_class_occurs_in_24_scenes(label_ids: np.ndarray, name: str):
    assert (label_ids == IDS[name]).any()


def test_many_ignored_labels_occur(label_ids: np.ndarray):
    ignored = {label.id for label in CITYSCAPES.labels if label.name not in EVALUATED}
    assert len(set(np.unique(label_ids)) & ignored) >= 8


def test_shares_are_skewed_as_in_cityscapes(label_ids: np.ndarray):
    share = {name: (label_ids == IDS[name]).mean() for name in EVALUATED}
    assert share["road"] > 0.25
    assert share["building"] > 0.12
    assert 0 < share["rider"] < 0.01
    assert 0 < share["traffic light"] < 0.01


def test_no_class_is_recognised_by_its_colour_alone(streets: Streets, label_ids: np.ndarray):
    """The best guess from the colour of a pixel (8 levels a channel) is wrong for more than a third of the pixels."""
    images = np.stack([read(pair.image) for pair in streets.pairs("train")]) // 32
    color = images[..., 0].astype(int) * 64 + images[..., 1] * 8 + images[..., 2]
    counts = np.zeros((512, 34))
    np.add.at(counts, (color.ravel(), label_ids.ravel()), 1)
    assert counts.max(axis=1).sum() / counts.sum() < 2 / 3


def test_names_and_formats_are_those_of_cityscapes(streets: Streets):
    image, mask, name, instances = streets.pairs("val")[0]
    city = image.parent.name
    assert image == streets.folder / "leftImg8bit" / "val" / city / f"{city}_000000_000019_leftImg8bit.png"
    assert name == f"{city}_000000_000019"
    annotations = {kind: mask.with_name(f"{name}_gtFine_{kind}.png") for kind in ("labelIds", "instanceIds", "color")}
    assert instances == annotations["instanceIds"]
    assert (read(image).dtype, read(image).shape) == (np.uint8, (96, 192, 3))
    assert (read(annotations["labelIds"]).dtype, read(annotations["labelIds"]).shape) == (np.uint8, (96, 192))
    with Image.open(annotations["instanceIds"]) as instances:
        assert instances.mode.startswith("I")  # 16 bits
    colors = {label.id: label.color for label in CITYSCAPES.labels}
    assert tuple(read(annotations["color"])[40, 96]) == colors[int(read(annotations["labelIds"])[40, 96])]


def test_instance_ids_agree_with_label_ids(streets: Streets):
    labels_with_instances = {label.id for label in CITYSCAPES.labels if label.has_instances}
    num_objects = 0
    for pair in streets.pairs("train"):
        labels = read(pair.mask).astype(int)
        ids = read(Path(str(pair.mask).replace("labelIds", "instanceIds"))).astype(int)
        single = ids >= 1000
        assert (np.where(single, ids // 1000, ids) == labels).all()
        assert set(np.unique(labels[single])) <= labels_with_instances
        num_objects += len(np.unique(ids[single]))
    assert num_objects > 100


def test_each_choice_of_settings_has_its_own_folder(tmp_path: Path):
    folders = {Streets(str(tmp_path), seed=seed, height=height).folder for seed in (0, 1) for height in (64, 128)}
    assert len(folders) == 4


def test_two_processes_at_once_make_one_complete_set(tmp_path: Path):
    processes = [start(tmp_path), start(tmp_path)]
    for process in processes:
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    streets = Streets(str(tmp_path), 12, 2, 32, 64)
    assert (len(streets.pairs("train")), len(streets.pairs("val"))) == (12, 2)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [streets.folder.name]


def test_a_killed_set_is_not_used_and_leaves_nothing(tmp_path: Path):
    process = start(tmp_path, RENDER_AND_KILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert len([*tmp_path.glob("*.partial/gtFine/*/*/*_labelIds.png")]) == 3
    streets = Streets(str(tmp_path), 12, 2, 32, 64)
    assert not streets.folder.exists()
    assert len(streets.pairs("train")) == 12
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [streets.folder.name]


def test_several_processes_render_the_same_bytes_as_one(tmp_path: Path):
    many, one = tmp_path / "many", tmp_path / "one"
    write_scenes([SceneFile(many, 0, "train", number, 32, 64) for number in range(2 * SCENES_PER_PROCESS)])
    write_scenes([SceneFile(one, 0, "train", number, 32, 64) for number in range(4)])
    assert len(files_in(many)) == 2 * SCENES_PER_PROCESS * 4
    assert len(files_in(one)) == 4 * 4
    assert files_in(one).items() <= files_in(many).items()


def test_root_that_cannot_be_written_is_named_with_the_cure(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="cannot write street scenes") as error:
        Streets(str(tmp_path / "file"), 1, 1, 32, 64).pairs("train")
    facts, message = (str(tmp_path / "file"), "set data.root"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message


def test_full_disk_is_named_with_the_cure_and_leaves_nothing(tmp_path: Path):
    with full_disk(), pytest.raises(OSError, match="cannot write street scenes") as error:
        Streets(str(tmp_path), 1, 1, 96, 192).pairs("train")
    facts, message = (str(tmp_path), "File too large", "make room", "data.root"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_impossible_settings_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="num_train=0.*allowed: counts from 1"):
        Streets(str(tmp_path), num_train=0)
    with pytest.raises(ValueError, match="height=8.*allowed: .*sizes from 32"):
        Streets(str(tmp_path), height=8)


def test_unknown_split_is_answered_with_the_known_ones(streets: Streets):
    with pytest.raises(FileNotFoundError, match=r"train.*val"):
        streets.pairs("tset")
