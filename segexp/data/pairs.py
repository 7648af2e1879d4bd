"""The files of a data set's scenes: what every source lists for a split, and the errors that all sources share."""

import hashlib
import logging
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from segexp.classes import LabelTable
from segexp.system import remote
from segexp.system.files import hidden_files, is_hidden
from segexp.system.once import warn_once
from segexp.types import Bytes

log = logging.getLogger(__name__)
Item = TypeVar("Item")


class Pair(NamedTuple):
    """The files of one scene.

    image: any picture that Pillow can decode to red, green and blue.
    mask: the file from which the source reads the label of every pixel, in a format that only the source knows.
    name: unique in its split and stable between runs.
    instances: ids of single objects, see `read_instances`; None if the data set has none.
    """

    image: Path
    mask: Path
    name: str
    instances: Path | None = None


class MissingMasksError(FileNotFoundError):
    """Some images of a split have no mask.

    without_mask: all scenes whose mask is missing. with_mask: the other scenes of the split.
    """

    def __init__(self, without_mask: list[Pair], with_mask: list[Pair], cure: str) -> None:
        first = without_mask[0]
        super().__init__(
            f"{len(without_mask)} of {len(without_mask) + len(with_mask)} images have no mask, the first is "
            f"{first.image}: no {first.mask}; {cure}"
        )
        self.without_mask = without_mask
        self.with_mask = with_mask


class Source(Protocol):
    """A data set on disk. table: the labels that its masks may hold.

    Sources are pickled for the processes that read data, so they hold plain values and no open files.
    """

    table: LabelTable

    def pairs(self, split: str) -> list[Pair]:
        """List every scene of the split, ordered by name.

        Raises FileNotFoundError if there is no scene, or a scene without a mask.
        """
        ...

    def mask(self, pair: Pair) -> Bytes:
        """Read the file of a mask as label ids, uint8 [H, W] of the image's size; 255 stands for the id -1.

        Called by several threads and processes at once, for images in any order. `segexp.data.reading.read_label_ids`
        calls it and checks what it returns.
        """
        ...


def check_source(source: object) -> None:
    """Raise ValueError naming the members of `Source` that an object lacks."""
    missing = [member for member in ("table", "pairs", "mask") if not hasattr(source, member)]
    if missing:
        raise ValueError(
            f"{type(source).__module__}.{type(source).__qualname__} is not a data set: it has no {', '.join(missing)}; "
            "it needs table, pairs(split) and mask(pair), see docs/extending.md; where a mask holds a label id in each "
            "byte, let mask(pair) return segexp.data.reading.read_mask(pair.mask)"
        )


def data_root(root: str, contents: str) -> Path:
    """The folder or URL of a data set. Raises FileNotFoundError if it does not exist.

    contents: the folders that belong into it, for the error.
    """
    folder = remote.path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder.absolute()}; set data.root to the folder that holds {contents}")
    return folder


def split_folder(root: Path, name: str, contents: str) -> Path:
    """The folder of a split below root. Raises FileNotFoundError, naming the folders that exist, if there is none."""
    folder = root / name
    if folder.is_file():
        raise FileNotFoundError(
            f"{folder.absolute()} is a file, and a split is a folder; for splits that are lists of names make a folder "
            "of links for each, or a data set of your own (docs/extending.md)"
        )
    if not folder.is_dir():
        existing = sorted(entry.name for entry in folder.parent.glob("*") if entry.is_dir())
        raise FileNotFoundError(
            f"no folder {folder.absolute()}; {folder.parent} holds {existing}; "
            f"choose another split, or set data.root to the folder that holds {contents}"
        )
    return folder


def complete_pairs(
    pairs: Sequence[Pair],
    masks: Iterable[Path],
    pattern: str,
    cure: str = "add the masks or remove the images",
    masks_of_other_splits: bool = False,
) -> list[Pair]:
    """Check that every image has its mask and a name of its own, and order the pairs by name.

    Hidden files, see `is_hidden`, and masks without an image are left out, with a line that says how many.
    masks: the mask files that exist. pattern: where images were looked for, for the error.
    cure: what to do about missing masks, for the error.
    masks_of_other_splits: whether the masks may be those of other splits as well, so that there is nothing to say.
    Raises FileNotFoundError if there is no image, MissingMasksError if masks are missing, ValueError if two images
    share a name.
    """
    hidden = [pair for pair in pairs if is_hidden(pair.image)]
    if hidden:
        warn_once(log, f"left out: {hidden_files(len(hidden))}, the first is {hidden[0].image}")
        pairs = [pair for pair in pairs if not is_hidden(pair.image)]
    if not pairs:
        raise FileNotFoundError(f"no images: {pattern}; correct data.root, or the key of data that names this folder")
    existing = set(masks)
    if not masks_of_other_splits:
        _say_masks_left_out(existing - {pair.mask for pair in pairs}, pattern)
    without_mask = [pair for pair in pairs if pair.mask not in existing]
    if without_mask:
        raise MissingMasksError(without_mask, [pair for pair in pairs if pair.mask in existing], cure)
    ordered = sorted(pairs, key=lambda pair: pair.name)
    for before, after in pairwise(ordered):
        if before.name == after.name:
            raise ValueError(f"{before.image} and {after.image} would share the name {after.name!r}; rename one")
    return ordered


def _say_masks_left_out(masks: Collection[Path], pattern: str) -> None:
    names = sorted(str(mask) for mask in masks if not is_hidden(mask))
    if names:
        warn_once(
            log,
            f"left out: {len(names)} masks without an image, the first is {names[0]}: no image of its name is among "
            f"{pattern}; add the images, or remove the masks",
        )


def evenly_spread(items: Sequence[Item], number: int) -> list[Item]:
    """At most that many of the items, from the first to the last; of several the first and the last are among them."""
    number = min(number, len(items))
    return [items[round(step * (len(items) - 1) / max(1, number - 1))] for step in range(number)]


def fingerprint(pairs: Sequence[Pair]) -> str:
    """Hash of the names and file sizes of scenes; no file is read.

    It changes when a scene is added, removed or renamed, and when one of its files changes its size.
    """
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.name} {pair.image.stat().st_size} {pair.mask.stat().st_size}\n".encode())
    return digest.hexdigest()[:16]
