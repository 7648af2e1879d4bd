"""The official Cityscapes download, as it comes."""

from pathlib import Path

from segexp.classes import CITYSCAPES
from segexp.data.pairs import Pair, complete, existing_folder, split_folder

IMAGE_ENDING = "_leftImg8bit.png"
HOLDS = "leftImg8bit/ and gtFine/ (or gtCoarse/)"


class Cityscapes:
    """Reads `*_labelIds.png` directly: no preparation step, labels are mapped in memory.

    root: the folder that holds leftImg8bit/ and gtFine/ (or gtCoarse/).
    coarse: read the coarse annotations of train and val; those of train_extra are always coarse.
    Splits: train, val, test, train_extra. Source: Cordts et al. 2016, arXiv:1604.01685.
    """

    table = CITYSCAPES

    def __init__(self, root: str, coarse: bool = False) -> None:
        self.root = root
        self.coarse = coarse

    def pairs(self, split: str) -> list[Pair]:
        root = existing_folder(self.root, HOLDS)
        annotation = "gtCoarse" if self.coarse or split == "train_extra" else "gtFine"
        images = split_folder(root / "leftImg8bit", split, HOLDS)
        masks = split_folder(root / annotation, split, HOLDS)
        ending = f"_{annotation}_labelIds.png"
        pairs = [_pair(image, masks, ending) for image in images.glob(f"*/*{IMAGE_ENDING}")]
        return complete(pairs, masks.glob(f"*/*{ending}"), f"{images}/CITY/*{IMAGE_ENDING}")


def _pair(image: Path, masks: Path, ending: str) -> Pair:
    name = image.name.removesuffix(IMAGE_ENDING)
    mask = masks / image.parent.name / f"{name}{ending}"
    return Pair(image, mask, name, mask.with_name(mask.name.replace("_labelIds", "_instanceIds")))
