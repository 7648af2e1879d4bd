"""Any folder of images beside a folder of masks."""

from collections.abc import Mapping
from pathlib import Path

from segexp.classes import Label, LabelTable
from segexp.data.pairs import Pair, complete_pairs, data_root, split_folder
from segexp.data.reading import read_mask
from segexp.types import Bytes

IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
IDS = {str(label_id): label_id for label_id in range(-1, 256)}


class Folder:
    """Images, each with the mask of the same stem.

    root: the folder that holds images and masks.
    images, masks: their folders below root; SPLIT is replaced by the split's name. They may be one folder.
    labels: id in the mask files -> label name; ids are 0 to 255, or -1 for 255; several ids may have one name.
    mask_ending: what follows the image's stem in the name of its mask, e.g. "_mask.png".
    image_ending: what follows the stem in the name of an image, e.g. "_rgb.png"; None for any ending of images.
    recursive: whether images in folders below count, too, whose masks lie in folders of the same names; a scene is
        named after its path.
    """

    def __init__(
        self,
        root: str,
        images: str,
        masks: str,
        labels: Mapping[int, str],
        mask_ending: str = ".png",
        image_ending: str | None = None,
        recursive: bool = False,
    ) -> None:
        self.root = root
        self.images = images
        self.masks = masks
        self.mask_ending = mask_ending
        self.image_ending = image_ending
        self.recursive = recursive
        self.table = LabelTable("folder", tuple(Label(name, _label_id(key), (0, 0, 0)) for key, name in labels.items()))

    def pairs(self, split: str) -> list[Pair]:
        root = data_root(self.root, f"{self.images} and {self.masks}")
        images = split_folder(root, self.images.replace("SPLIT", split), self.images)
        masks = split_folder(root, self.masks.replace("SPLIT", split), self.masks)
        place = "**/*" if self.recursive else "*"
        pairs = [
            self._pair(image, images, masks)
            for image in images.glob(place)
            if self._is_image(image) and (images == masks or masks not in image.parents)
        ]
        existing = [mask for mask in masks.glob(place) if mask.name.endswith(self.mask_ending)]
        pattern = f"{images}/{place}{self.image_ending or sorted(IMAGE_ENDINGS)}"
        if not pairs:
            raise FileNotFoundError(f"no images: {pattern}; {self._cure_of_no_images(images)}")
        return complete_pairs(pairs, existing, pattern, _cure_of_no_masks(masks), "SPLIT" not in self.masks)

    def _is_image(self, file: Path) -> bool:
        if self.image_ending is not None:
            return file.name.endswith(self.image_ending)
        is_mask = self.images == self.masks and file.name.endswith(self.mask_ending)
        return file.suffix.lower() in IMAGE_ENDINGS and not is_mask

    def _pair(self, image: Path, images: Path, masks: Path) -> Pair:
        stem = image.stem if self.image_ending is None else image.name.removesuffix(self.image_ending)
        below = image.relative_to(images).parent
        return Pair(image, masks / below / f"{stem}{self.mask_ending}", "_".join([*below.parts, stem]))

    def _cure_of_no_images(self, images: Path) -> str:
        if not self.recursive and any(self._is_image(file) for file in images.glob("*/**/*")):
            return "there are some in folders below: set data.recursive=true"
        names = sorted(file.name for file in images.iterdir())
        return f"the folder holds {names[:3]}; correct data.root, data.images or data.image_ending"

    def mask(self, pair: Pair) -> Bytes:
        return read_mask(pair.mask)


def _cure_of_no_masks(masks: Path) -> str:
    names = sorted(mask.name for mask in masks.iterdir())
    return (
        f"{masks} holds {names[:3]}: add the masks, or correct data.masks, data.mask_ending and data.image_ending, "
        "between which the names of an image and its mask are the same"
    )


def _label_id(key: int | str) -> int:
    if str(key) not in IDS:
        raise ValueError(
            f"data.labels has the key {key}, which is not a label id; allowed: 0 to 255, or -1 for 255, as a mask "
            "holds one byte a pixel; write each id before the name of its label, as in {0: background, 1: road}"
        )
    return IDS[str(key)]
