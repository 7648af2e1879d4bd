"""Small data sets in the layout of each option of conf/data, written by a function of the option's name.

Each writes two scenes of train and two of val below a folder, and returns the overrides with which they are read.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from segexp.data.camvid import CAMVID
from segexp.data.cityscapes import CITYSCAPES

SIZE = (24, 40)  # height width
SCENES = [("train", 0), ("train", 1), ("val", 0), ("val", 1)]


def camvid(root: Path) -> list[str]:
    for split, number in SCENES:
        _write(root / split / f"{number}.png", root / f"{split}annot" / f"{number}.png", CAMVID.mask_values())
    return [f"data.root={root}"]


def cityscapes(root: Path) -> list[str]:
    for split, number in SCENES:
        name = f"ulm_{number:06}_000019"
        image = root / "leftImg8bit" / split / "ulm" / f"{name}_leftImg8bit.png"
        mask = root / "gtFine" / split / "ulm" / f"{name}_gtFine_labelIds.png"
        _write(image, mask, CITYSCAPES.mask_values())
    return [f"data.root={root}"]


def folder(root: Path) -> list[str]:
    for split, number in SCENES:
        _write(root / "images" / split / f"{number}.jpg", root / "masks" / split / f"{number}.png", [0, 7, 255])
    return [f"data.root={root}", "data.labels={0: background, 7: road, -1: car}"]


def streets(root: Path) -> list[str]:
    return [f"data.root={root}", "data.num_train=2", "data.num_val=2", "data.height=32", "data.width=64"]


def _write(image: Path, mask: Path, mask_values: list[int]) -> None:
    generator = np.random.default_rng([*str(image).encode()])  # no two images are the same
    for path, pixels in ((image, generator.integers(0, 256, (*SIZE, 3))), (mask, generator.choice(mask_values, SIZE))):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
