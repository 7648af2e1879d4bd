"""A scene on disk, in the layout and with the file names of Cityscapes."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from segexp.streetscenes.labels import palette
from segexp.streetscenes.render import render

CITIES = {
    "train": ("alderburg", "brunnhafen", "eschenfurt", "kiesstadt", "lindmoor"),
    "val": ("morgenau", "steinwerder"),
}
"""Invented cities; as in Cityscapes, no city is in two splits."""
FAST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class SceneFile(NamedTuple):
    """The arguments that one scene is rendered from, and the folder of the set that it is written to."""

    folder: Path
    seed: int
    split: str
    number: int
    height: int
    width: int

    def path(self, kind: str, ending: str) -> Path:
        """The path of one of its files, e.g. gtFine/train/lindmoor/lindmoor_000007_000019_gtFine_labelIds.png."""
        cities = CITIES[self.split]
        city = cities[self.number % len(cities)]
        name = f"{city}_{self.number // len(cities):06d}_000019_{kind}{ending}.png"
        return self.folder / kind / self.split / city / name


def write_scene(scene: SceneFile) -> None:
    """Render one scene and write its picture, label ids, instance ids and label colours.

    Raises OSError if a file cannot be written.
    """
    image, ids = render(scene.seed, scene.split, scene.number, scene.height, scene.width)
    labels = label_ids(ids)
    _write(scene.path("leftImg8bit", ""), image[..., ::-1])
    _write(scene.path("gtFine", "_labelIds"), labels)
    _write(scene.path("gtFine", "_instanceIds"), ids)
    _write(scene.path("gtFine", "_color"), palette()[labels][..., ::-1])


def label_ids(ids: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Label id of each instance id, uint8 of the same shape."""
    return np.where(ids >= 1000, ids // 1000, ids).astype(np.uint8)


def _write(path: Path, picture: npt.NDArray) -> None:
    """Write a PNG file by way of bytes, as cv2.imwrite does not say why it failed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(picture), FAST_PNG)[1].tobytes())
