"""Any folder of images beside a folder of masks."""

from collections.abc import Mapping

from segexp.classes import Label, LabelTable
from segexp.data.pairs import Pair, complete, existing_folder, split_folder

CURE = "add the masks, or correct data.masks and data.mask_ending"
IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
IDS = {str(label_id): label_id for label_id in range(-1, 256)}


class Folder:
    """Pairs images with masks of the same stem.

    root: the folder that both are below.
    images, masks: their folders below root; SPLIT is replaced by the split's name.
    labels: id in the mask files -> label name, the ids 0..255 (-1 is written as 255); several may have one name.
    mask_ending: how a mask's name ends after the image's stem, e.g. "_mask.png".
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
        root = existing_folder(self.root, f"{self.images} and {self.masks}")
        images = split_folder(root, self.images.replace("SPLIT", split), self.images)
        masks = split_folder(root, self.masks.replace("SPLIT", split), self.masks)
        pairs = [
            Pair(image, masks / f"{image.stem}{self.mask_ending}", image.stem)
            for image in images.iterdir()
            if image.suffix.lower() in IMAGE_ENDINGS
        ]
        return complete(pairs, masks.iterdir(), f"{images}/*{sorted(IMAGE_ENDINGS)}", CURE)


def _label_id(key: int | str) -> int:
    if str(key) not in IDS:
        raise ValueError(
            f"data.labels: {key} is no label id; a mask holds one byte a pixel, so 0 to 255, or -1 for 255, "
            "each before the name that it stands for, as in {0: background, 1: road}"
        )
    return IDS[str(key)]
