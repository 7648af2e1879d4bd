"""What every source of data answers: which image belongs to which mask in a split."""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

from segexp.classes import LabelTable
from segexp.system import remote


class Pair(NamedTuple):
    """Files of one scene.

    image: anything Pillow decodes to red, green, blue.
    mask: one byte a pixel, ids of the source's label table.
    name: unique in its split and stable between runs.
    instances: where single objects are told apart, None if the data set does not; see `read_instances`.
    """

    image: Path
    mask: Path
    name: str
    instances: Path | None = None


class MissingMasksError(FileNotFoundError):
    """Images without a mask. missing: every one of them; complete: those that have theirs."""

    def __init__(self, missing: list[Pair], complete: list[Pair], cure: str) -> None:
        first = missing[0]
        super().__init__(
            f"{len(missing)} of {len(missing) + len(complete)} images have no mask, the first is {first.image}: "
            f"no {first.mask}; {cure}"
        )
        self.missing = missing
        self.complete = complete


class Source(Protocol):
    """A data set on disk. table: the labels its masks may hold."""

    table: LabelTable

    def pairs(self, split: str) -> list[Pair]:
        """Every scene of the split, ordered by name; raises FileNotFoundError if one has no mask or there is none."""
        ...


def existing_folder(root: str, holds: str) -> Path:
    """The data set's folder, or its URL; holds: what must stand in it, for the error."""
    folder = remote.path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder.absolute()}; set data.root to the folder that holds {holds}")
    return folder


def split_folder(root: Path, name: str, holds: str) -> Path:
    """A split's folder below root; an unknown split is answered with those that are there."""
    folder = root / name
    if not folder.is_dir():
        there = sorted(entry.name for entry in folder.parent.glob("*") if entry.is_dir())
        raise FileNotFoundError(
            f"no folder {folder.absolute()}; {folder.parent} holds {there}; "
            f"choose another split, or set data.root to the folder that holds {holds}"
        )
    return folder


def complete(
    pairs: Sequence[Pair], masks: Iterable[Path], what: str, cure: str = "add the masks or remove the images"
) -> list[Pair]:
    """The pairs, ordered by name, once every image is known to have its mask.

    masks: the mask files that exist; what: where images were looked for and how they end; cure: what to do
    about missing masks; both for errors.
    Raises FileNotFoundError if there is no image, MissingMasksError if masks are missing, ValueError if two images
    share a name.
    """
    if not pairs:
        raise FileNotFoundError(f"no images: {what}; correct data.root, or whatever of data. names this place")
    existing = set(masks)
    missing = [pair for pair in pairs if pair.mask not in existing]
    if missing:
        raise MissingMasksError(missing, [pair for pair in pairs if pair.mask in existing], cure)
    ordered = sorted(pairs, key=lambda pair: pair.name)
    for before, after in pairwise(ordered):
        if before.name == after.name:
            raise ValueError(f"{before.image} and {after.image} would share the name {after.name!r}; rename one")
    return ordered


def fingerprint(pairs: Sequence[Pair]) -> str:
    """Changes when a scene is added, removed, renamed, or a file of it changes its size; reads no file."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.name} {pair.image.stat().st_size} {pair.mask.stat().st_size}\n".encode())
    return digest.hexdigest()[:16]
