"""Cityscapes: its labels, and the official download as it comes (Cordts et al. 2016, arXiv:1604.01685)."""

from pathlib import Path

from segexp.classes import Label, LabelTable
from segexp.data.pairs import Pair, complete_pairs, data_root, split_folder
from segexp.data.reading import read_mask
from segexp.types import Bytes

IMAGE_ENDING = "_leftImg8bit.png"
CONTENTS = "leftImg8bit/ and gtFine/ (or gtCoarse/)"

CITYSCAPES = LabelTable(  # ids and colours of the public label definitions
    "cityscapes",
    (
        Label("unlabeled", 0, (0, 0, 0), "void", is_scored=False),
        Label("ego vehicle", 1, (0, 0, 0), "void", is_scored=False),
        Label("rectification border", 2, (0, 0, 0), "void", is_scored=False),
        Label("out of roi", 3, (0, 0, 0), "void", is_scored=False),
        Label("static", 4, (0, 0, 0), "void", is_scored=False),
        Label("dynamic", 5, (111, 74, 0), "void", is_scored=False),
        Label("ground", 6, (81, 0, 81), "void", is_scored=False),
        Label("road", 7, (128, 64, 128), "flat"),
        Label("sidewalk", 8, (244, 35, 232), "flat"),
        Label("parking", 9, (250, 170, 160), "flat", is_scored=False),
        Label("rail track", 10, (230, 150, 140), "flat", is_scored=False),
        Label("building", 11, (70, 70, 70), "construction"),
        Label("wall", 12, (102, 102, 156), "construction"),
        Label("fence", 13, (190, 153, 153), "construction"),
        Label("guard rail", 14, (180, 165, 180), "construction", is_scored=False),
        Label("bridge", 15, (150, 100, 100), "construction", is_scored=False),
        Label("tunnel", 16, (150, 120, 90), "construction", is_scored=False),
        Label("pole", 17, (153, 153, 153), "object"),
        Label("polegroup", 18, (153, 153, 153), "object", is_scored=False),
        Label("traffic light", 19, (250, 170, 30), "object"),
        Label("traffic sign", 20, (220, 220, 0), "object"),
        Label("vegetation", 21, (107, 142, 35), "nature"),
        Label("terrain", 22, (152, 251, 152), "nature"),
        Label("sky", 23, (70, 130, 180), "sky"),
        Label("person", 24, (220, 20, 60), "human", has_instances=True),
        Label("rider", 25, (255, 0, 0), "human", has_instances=True),
        Label("car", 26, (0, 0, 142), "vehicle", has_instances=True),
        Label("truck", 27, (0, 0, 70), "vehicle", has_instances=True),
        Label("bus", 28, (0, 60, 100), "vehicle", has_instances=True),
        Label("caravan", 29, (0, 0, 90), "vehicle", has_instances=True, is_scored=False),
        Label("trailer", 30, (0, 0, 110), "vehicle", has_instances=True, is_scored=False),
        Label("train", 31, (0, 80, 100), "vehicle", has_instances=True),
        Label("motorcycle", 32, (0, 0, 230), "vehicle", has_instances=True),
        Label("bicycle", 33, (119, 11, 32), "vehicle", has_instances=True),
        Label("license plate", -1, (0, 0, 142), "vehicle", is_scored=False),
    ),
)


class Cityscapes:
    """Images with `*_labelIds.png` masks, which are read as they are: labels are mapped to classes in memory.

    root: the folder that holds leftImg8bit/ and gtFine/ (or gtCoarse/).
    coarse: read the coarse annotations of train and val; those of train_extra are always coarse.
    The splits are train, val, test and train_extra.
    """

    table = CITYSCAPES

    def __init__(self, root: str, coarse: bool = False) -> None:
        self.root = root
        self.coarse = coarse

    def pairs(self, split: str) -> list[Pair]:
        root = data_root(self.root, CONTENTS)
        annotation = "gtCoarse" if self.coarse or split == "train_extra" else "gtFine"
        images = split_folder(root / "leftImg8bit", split, CONTENTS)
        masks = split_folder(root / annotation, split, CONTENTS)
        ending = f"_{annotation}_labelIds.png"
        pairs = [_pair(image, masks, ending) for image in images.glob(f"*/*{IMAGE_ENDING}")]
        return complete_pairs(pairs, masks.glob(f"*/*{ending}"), f"{images}/CITY/*{IMAGE_ENDING}")

    def mask(self, pair: Pair) -> Bytes:
        return read_mask(pair.mask)


def _pair(image: Path, masks: Path, ending: str) -> Pair:
    name = image.name.removesuffix(IMAGE_ENDING)
    mask = masks / image.parent.name / f"{name}{ending}"
    return Pair(image, mask, name, mask.with_name(mask.name.replace("_labelIds", "_instanceIds")))
