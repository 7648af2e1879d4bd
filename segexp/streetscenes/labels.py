"""The labels that rendered scenes hold: ids and colours of Cityscapes (Cordts et al. 2016, arXiv:1604.01685)."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class SceneLabel(NamedTuple):
    """One label.  id: in label id files, where 255 stands for -1.  color: red, green, blue, 0..255, in colour files.

    has_instances: whether single objects of this label have ids of their own.
    """

    id: int
    color: tuple[int, int, int]
    has_instances: bool = False


LABELS = {
    "unlabeled": SceneLabel(0, (0, 0, 0)),
    "ego vehicle": SceneLabel(1, (0, 0, 0)),
    "rectification border": SceneLabel(2, (0, 0, 0)),
    "out of roi": SceneLabel(3, (0, 0, 0)),
    "static": SceneLabel(4, (0, 0, 0)),
    "dynamic": SceneLabel(5, (111, 74, 0)),
    "ground": SceneLabel(6, (81, 0, 81)),
    "road": SceneLabel(7, (128, 64, 128)),
    "sidewalk": SceneLabel(8, (244, 35, 232)),
    "parking": SceneLabel(9, (250, 170, 160)),
    "rail track": SceneLabel(10, (230, 150, 140)),
    "building": SceneLabel(11, (70, 70, 70)),
    "wall": SceneLabel(12, (102, 102, 156)),
    "fence": SceneLabel(13, (190, 153, 153)),
    "guard rail": SceneLabel(14, (180, 165, 180)),
    "bridge": SceneLabel(15, (150, 100, 100)),
    "tunnel": SceneLabel(16, (150, 120, 90)),
    "pole": SceneLabel(17, (153, 153, 153)),
    "polegroup": SceneLabel(18, (153, 153, 153)),
    "traffic light": SceneLabel(19, (250, 170, 30)),
    "traffic sign": SceneLabel(20, (220, 220, 0)),
    "vegetation": SceneLabel(21, (107, 142, 35)),
    "terrain": SceneLabel(22, (152, 251, 152)),
    "sky": SceneLabel(23, (70, 130, 180)),
    "person": SceneLabel(24, (220, 20, 60), has_instances=True),
    "rider": SceneLabel(25, (255, 0, 0), has_instances=True),
    "car": SceneLabel(26, (0, 0, 142), has_instances=True),
    "truck": SceneLabel(27, (0, 0, 70), has_instances=True),
    "bus": SceneLabel(28, (0, 60, 100), has_instances=True),
    "caravan": SceneLabel(29, (0, 0, 90), has_instances=True),
    "trailer": SceneLabel(30, (0, 0, 110), has_instances=True),
    "train": SceneLabel(31, (0, 80, 100), has_instances=True),
    "motorcycle": SceneLabel(32, (0, 0, 230), has_instances=True),
    "bicycle": SceneLabel(33, (119, 11, 32), has_instances=True),
    "license plate": SceneLabel(-1, (0, 0, 142)),
}
IDS = {name: label.id for name, label in LABELS.items()}


def palette() -> npt.NDArray[np.uint8]:
    """Colour of every byte in label id files, uint8 [256, 3], red-green-blue; black for what is no label."""
    colors = np.zeros((256, 3), dtype=np.uint8)
    for label in LABELS.values():
        colors[label.id % 256] = label.color
    return colors
