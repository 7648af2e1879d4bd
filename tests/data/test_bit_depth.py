"""Images that use 10 or 12 of 16 bits keep their grey levels, and a set of them is never read without a word."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from segexp import build
from segexp.check.scan import scan
from segexp.config.compose import compose
from segexp.data.bit_depth import unused_bits
from segexp.data.cache.cache import Cache
from segexp.data.image import UsedDepth, stored_depth
from segexp.data.pairs import Pair
from segexp.data.reading import read_image, read_pair, read_used_depth
from segexp.data.streets import Streets
from segexp.evaluate.image_counts import count_image
from segexp.export.labeled_split import LabeledSplit
from segexp.inference.image import decode_image
from segexp.inference.trusted_parts import labels_of_run, source_of_run
from segexp.run.folder import RunFolder
from segexp.serve.image_store import ImageStore
from segexp.serve.uploads import decode_upload
from segexp.types import Values
from tests.data import trees
from tests.data.scene_files import LOOKUP, SOURCE
from tests.evaluate.guess import evaluation_job

pytestmark = pytest.mark.fast

SIZE = (40, 48)


def values_of(bits: int, *channels: int) -> np.ndarray:
    """Every value of that many bits, or as many as there are pixels."""
    values = np.random.default_rng(bits).integers(0, 2**bits, (*SIZE, *channels), np.uint16)
    values.flat[0] = 2**bits - 1
    return values


def write_grey(path: Path, bits: int) -> np.ndarray:
    values = values_of(bits)
    Image.fromarray(values).save(path)
    return np.repeat(values[..., None], 3, axis=2)


def write_colors(path: Path, bits: int) -> np.ndarray:
    values = values_of(bits, 3)
    cv2.imwrite(str(path), values[..., ::-1])
    return values


def write_colors_with_alpha(path: Path, bits: int) -> np.ndarray:
    values = values_of(bits, 3)
    alpha = np.full((*SIZE, 1), 65535, np.uint16)
    cv2.imwrite(str(path), np.concatenate([values[..., ::-1], alpha], axis=2))
    return values


Write = Callable[[Path, int], np.ndarray]
FILES: list[tuple[Write, str]] = [
    (write_grey, "png"),
    (write_grey, "tif"),
    (write_colors, "png"),
    (write_colors, "tif"),
    (write_colors_with_alpha, "png"),
]
every_file = pytest.mark.parametrize(("write", "ending"), FILES)


@every_file
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_the_upper_eight_of_the_bits_that_are_used_are_kept(
    tmp_path: Path, write: Write, ending: str, bits: int
) -> None:
    path = tmp_path / f"image.{ending}"
    expected = (write(path, bits) >> (bits - 8)).astype(np.uint8)
    np.testing.assert_array_equal(read_image(path, bits), expected)
    np.testing.assert_array_equal(decode_image(path, bit_depth=bits), expected)
    np.testing.assert_array_equal(decode_image(io.BytesIO(path.read_bytes()), bit_depth=bits), expected)


@every_file
def test_without_a_depth_all_bits_are_taken_for_used(tmp_path: Path, write: Write, ending: str) -> None:
    values = write(tmp_path / f"image.{ending}", 16)
    np.testing.assert_array_equal(read_image(tmp_path / f"image.{ending}"), (values >> 8).astype(np.uint8))


@every_file
def test_a_value_of_more_bits_is_named_with_its_file(tmp_path: Path, write: Write, ending: str) -> None:
    path = tmp_path / f"image.{ending}"
    write(path, 12)
    with pytest.raises(
        ValueError, match=r"image holds values up to 4095, which are of 12 bits, and data.bit_depth is 10"
    ) as error:
        read_image(path, 10)
    assert str(path) in str(error.value)
    with pytest.raises(ValueError, match="^an image holds values up to 4095"):
        decode_image(path, bit_depth=10)


@every_file
def test_the_largest_value_is_read_from_the_file(tmp_path: Path, write: Write, ending: str) -> None:
    path = tmp_path / f"image.{ending}"
    write(path, 12)
    assert read_used_depth(path) == UsedDepth(16, 4095)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "RGBA"])
def test_eight_bits_are_left_as_they_are(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)).convert(mode)
    for ending in ("png", "tif"):
        image.save(tmp_path / f"image.{ending}")
        np.testing.assert_array_equal(read_image(tmp_path / f"image.{ending}", 10), np.array(image.convert("RGB")))
        assert read_used_depth(tmp_path / f"image.{ending}") == UsedDepth(8, 255)


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("write", [write_grey, write_colors])
def test_turned_images_are_scaled_and_upright(tmp_path: Path, write: Write, orientation: int) -> None:
    """The chunk that says so is put behind the header of the PNG."""
    path = tmp_path / "image.png"
    turns = {3: 2, 6: -1, 8: 1}[orientation]
    expected = np.rot90((write(path, 12) >> 4).astype(np.uint8), turns)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    with_exif = io.BytesIO()
    Image.new("L", (1, 1)).save(with_exif, "png", exif=exif)
    start = with_exif.getvalue().index(b"eXIf") - 4
    chunk = with_exif.getvalue()[start : start + 12 + int.from_bytes(with_exif.getvalue()[start : start + 4], "big")]
    content = path.read_bytes()
    path.write_bytes(content[:33] + chunk + content[33:])
    np.testing.assert_array_equal(read_image(path, 12), expected)


def test_other_files_with_layouts_of_sixteen_bits_a_pixel_store_eight_a_channel(tmp_path: Path) -> None:
    """A bitmap of 5, 6 and 5 bits, which Pillow reads and does not write."""
    header = b"BM" + (66 + 32 * 32 * 2).to_bytes(4, "little") + bytes(4) + (66).to_bytes(4, "little")
    header += (40).to_bytes(4, "little") + 2 * (32).to_bytes(4, "little") + b"\1\0\x10\0\3\0\0\0" + bytes(20)
    masks = b"".join(mask.to_bytes(4, "little") for mask in (0xF800, 0x7E0, 0x1F))
    (tmp_path / "a.bmp").write_bytes(header + masks + b"\xff\xff" * 32 * 32)
    with Image.open(tmp_path / "a.bmp") as picture:
        assert stored_depth(picture) == 8
    assert (read_image(tmp_path / "a.bmp", 10) == 255).all()


def write_set(folder: Path, largest: int, count: int = 3) -> list[Path]:
    files = [folder / f"{number}.png" for number in range(count)]
    for file in files:
        Image.fromarray(np.full(SIZE, largest, np.uint16)).save(file)
    return files


@pytest.mark.parametrize(("largest", "used"), [(255, 8), (1023, 10), (3000, 12), (4096, 14)])
def test_a_set_that_uses_fewer_bits_is_named_with_the_key(tmp_path: Path, largest: int, used: int) -> None:
    said = unused_bits(write_set(tmp_path, largest), None)
    facts = ("16 bits", f"is {largest}", f"{(largest >> 8) + 1} of 256", f"data.bit_depth={used}", "data.bit_depth=16")
    assert [fact for fact in facts if fact not in said] == [], said


def test_nothing_is_said_where_all_bits_are_used_or_the_depth_is_given(tmp_path: Path) -> None:
    for largest in (0, 20_000, 65_535):
        assert unused_bits(write_set(tmp_path, largest), None) == ""
    assert unused_bits(write_set(tmp_path, 1000), 12) == ""
    assert unused_bits([], None) == ""


def test_a_few_images_of_a_large_set_are_read(tmp_path: Path) -> None:
    files = write_set(tmp_path, 1000, 1)
    assert "in 8 of them" in unused_bits([*files * 100, *files], None)
    with pytest.raises(ValueError, match="nowhere.png cannot be decoded"):
        unused_bits([*files * 8, tmp_path / "nowhere.png"], None)


@pytest.fixture
def values(tmp_path: Path) -> Values:
    """Of a training on images of 12 bits."""
    typed = ["data=folder", *trees.folder(tmp_path), "data.image_size=[48,64]", "data.num_workers=0"]
    for split in ("train", "val"):
        for number in range(2):
            image = tmp_path / f"images/{split}/{number}.jpg"
            values = np.random.default_rng([len(split), number]).integers(0, 4096, trees.SIZE, np.uint16)
            image.unlink()
            Image.fromarray(values).save(image.with_suffix(".png"))
    classes = {name: {"labels": [name], "color": [n, n, n]} for n, name in enumerate(("car", "road"))}
    return compose("train", typed) | {
        "classes": {"_target_": "segexp.classes.Grouping", "name": "two", "classes": classes}
    }


def test_a_training_does_not_begin_until_the_depth_is_given(values: Values) -> None:
    with pytest.raises(ValueError, match="set data.bit_depth=12, the bits that they use, or data.bit_depth=16"):
        build.data(values).check_splits()
    values["data"]["bit_depth"] = 12
    build.data(values).check_splits()


def test_a_check_says_it_once_a_split_and_names_files_that_use_more(values: Values, tmp_path: Path) -> None:
    source, grouping = build.source(values), build.grouping(values)
    problems = scan(source, grouping, "train", (48, 64)).problems
    assert ["data.bit_depth=12" in problem for problem in problems] == [True]
    assert scan(source, grouping, "train", (48, 64), 12).problems == []
    problems = scan(source, grouping, "train", (48, 64), 10).problems
    assert [f"{number}.png: an image holds" in problem for number, problem in enumerate(problems)] == [True, True]


@pytest.mark.parametrize("kind", ["off", "disk", "memory"])
def test_batches_are_scaled_with_every_cache(values: Values, root: Path, kind: str) -> None:
    values["data"] |= {"bit_depth": 12, "image_size": None, "cache": kind, "cache_root": str(root)}
    data = build.data(values)
    pairs = data.source.pairs("train")
    for index, pair in enumerate(pairs):
        image, _ = read_pair(data.source, pair, data.lookup, 12)
        scenes = data._scenes("train", None)
        assert torch.equal(scenes[index].whole().image, torch.from_numpy(image).permute(2, 0, 1))


def test_another_depth_is_another_cache(tmp_path: Path, root: Path) -> None:
    write_grey(tmp_path / "image.png", 12)
    Image.new("L", SIZE[::-1]).save(tmp_path / "mask.png")
    pairs = [Pair(tmp_path / "image.png", tmp_path / "mask.png", "a")]
    for bits in (12, 14, None):
        scene = Cache("disk", None, str(root)).scenes(SOURCE, pairs, LOOKUP, None, bits)[0].whole()
        assert torch.equal(scene.image, torch.from_numpy(read_image(pairs[0].image, bits)).permute(2, 0, 1))
    assert len([*root.glob("images_*.bin")]) == 3
    assert len([*root.glob("targets_*.bin")]) == 1


def test_commands_that_read_a_run_scale_its_images_alike(tmp_path: Path, streets_root: Path) -> None:
    expected = (write_grey(tmp_path / "image.png", 12) >> 4).astype(np.uint8)
    Image.new("L", SIZE[::-1]).save(tmp_path / "mask.png")
    pair = Pair(tmp_path / "image.png", tmp_path / "mask.png", "a")
    task = evaluation_job(streets_root, "cityscapes19").task
    source = Streets(str(streets_root))
    grouping = task.grouping
    evaluated = count_image(replace(task, pairs=[pair], bit_depth=12), 0, torch.device("cpu")).sheet_row
    store = ImageStore(source, [pair], grouping, 12)
    calibration = LabeledSplit(source, [pair], grouping, None, 12).evenly_spread(1)[0]
    assert evaluated is not None
    for image in (evaluated.image, store.image(store.find("a")), calibration[0].permute(1, 2, 0).numpy()):
        np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(decode_upload(pair.image.read_bytes(), 10_000, 12), expected)


def test_a_run_carries_its_depth_to_whoever_uses_it(trained: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.write_environment(trained.environment)
    for recorded, depth in (({"bit_depth": 12}, 12), ({"bit_depth": None}, None), ({}, None)):
        data = {key: value for key, value in trained.config["data"].items() if key != "bit_depth"}
        run.write_config({**trained.config, "data": {**data, **recorded}})
        assert labels_of_run(run)[1].bit_depth == source_of_run(run, {})[1].bit_depth == depth
        assert source_of_run(run, {"bit_depth": 10})[1].bit_depth == 10
