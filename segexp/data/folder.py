"""Any folder of images beside a folder of masks."""

from collections.abc import Mapping

from segexp.classes import Label, LabelTable
from segexp.data.pairs import Pair, complete_pairs, data_root, split_folder
from segexp.data.reading import read_mask
from segexp.types import Bytes

CURE = "add the masks, or correct data.masks and data.mask_ending"
IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
IDS = {str(label_id): label_id for label_id in range(-1, 256)}


class Folder:
    """Images, each with the mask of the same stem.

    root: the folder that holds images and masks.
    images, masks: their folders below root; SPLIT is replaced by the split's name.
    labels: id in the mask files -> label name; ids are 0 to 255, or -1 for 255; several ids may have one name.
    mask_ending: what follows the image's stem in the name of its mask, e.g. "_mask.png".
    """

    def __init__(
        self, root: str, images: str, masks: str, labels: Mapping[int, str], mask_ending: str = ".png"
    ) -> None:
        self.root = root
        self.images = images
        self.masks = masks
        self.mask_ending = mask_ending
        self.table = LabelTable("folder", tuple(Label(name, _label_id(key), (0, 0, 0)) for key, name in labels.items()))

    def pairs(self, split: str) -> list[Pair]:
        root = data_root(self.root, f"{self.images} and {self.masks}")
        images = split_folder(root, self.images.replace("SPLIT", split), self.images)
        masks = split_folder(root, self.masks.replace("SPLIT", split), self.masks)
        pairs = [
            Pair(image, masks / f"{image.stem}{self.mask_ending}", image.stem)
            for image in images.iterdir()
            if image.suffix.lower() in IMAGE_ENDINGS
        ]
        return complete_pairs(pairs, masks.iterdir(), f"{images}/*{sorted(IMAGE_ENDINGS)}", CURE)

    def mask(self, pair: Pair) -> Bytes:
        return read_mask(pair.mask)


def _label_id(key: int | str) -> int:
    if str(key) not in IDS:
        raise ValueError(
            f"data.labels has the key {key}, which is no label id; allowed: 0 to 255, or -1 for 255, as a mask "
            "holds one byte a pixel; write each id before the name of its label, as in {0: background, 1: road}"
        )
    return IDS[str(key)]
