"""What is scored: the labels of a data set's files, and the groupings that make classes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segexp.types import VOID

UNKNOWN = 254
"""What `Grouping.lookup` gives for a value that is no label of the table: never a class, never scored."""

Color = tuple[int, int, int]


def written(label_id: int) -> int:
    """The byte that a label's id is in mask files: -1 stands there as 255."""
    return label_id % 256


@dataclass(frozen=True)
class Label:
    """One id that may stand in a mask file.

    id: the value in the file, see `written`.
    category: the coarser class it belongs to, None where the data set has no categories.
    color: red, green, blue, 0..255, in the data set's own colouring.
    has_instances: whether single objects of it are told apart.
    is_scored: whether the data set's benchmark scores it.
    """

    name: str
    id: int
    color: Color
    category: str | None = None
    has_instances: bool = False
    is_scored: bool = True


@dataclass(frozen=True)
class LabelTable:
    """Every label that masks of a data set may hold; several ids of one name are one label to a grouping.

    Raises ValueError for two labels that are one byte in mask files.
    """

    name: str
    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        of_byte: dict[int, Label] = {}
        for label in self.labels:
            other = of_byte.setdefault(written(label.id), label)
            if other is not label:
                raise ValueError(
                    f"labels of {self.name}: {other.name!r} with id {other.id} and {label.name!r} with id {label.id} "
                    f"are both {written(label.id)} in a mask file; leave one out, or correct its id"
                )

    def by_name(self) -> dict[str, Label]:
        """The first label of each name."""
        return {label.name: label for label in reversed(self.labels)}

    def named(self, names: Sequence[str]) -> tuple[Label, ...]:
        """Every label of these names: in the order of the names, then of the table."""
        return tuple(label for name in names for label in self.labels if label.name == name)

    def lookup(self) -> npt.NDArray[np.uint8]:
        """Every byte a mask may hold as it is, uint8 [256]; UNKNOWN for what is no label."""
        known = np.full(256, UNKNOWN, dtype=np.uint8)
        known[self.written_ids()] = self.written_ids()
        return known

    def written_ids(self) -> list[int]:
        """The byte that each label is in mask files."""
        return [written(label.id) for label in self.labels]


@dataclass(frozen=True)
class SegmentationClass:
    """What one channel of the logits stands for."""

    name: str
    labels: tuple[str, ...]
    color: Color


class Grouping:
    """Which labels, by name, form which class; labels of the data set in no class are void.

    name: what tables and run folders call it, e.g. "cityscapes8".
    classes: class name -> {"labels": label names, "color": [red, green, blue]}; its order gives the train ids.
    Raises ValueError for no class at all, a class without labels, a label listed twice and two classes of one colour.
    """

    def __init__(self, name: str, classes: Mapping[str, Mapping[str, Sequence]]) -> None:
        self.name = name
        self.classes = tuple(_segmentation_class(name, key, value) for key, value in classes.items())
        if not 0 < len(self.classes) < UNKNOWN:
            raise ValueError(
                f"grouping {name!r} has {len(self.classes)} classes; between 1 and {UNKNOWN - 1} are allowed"
            )
        _refuse_repeats(name, "label", [label for entry in self.classes for label in entry.labels])
        _refuse_repeats(name, "color", [entry.color for entry in self.classes])

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.classes)

    @property
    def colors(self) -> npt.NDArray[np.uint8]:
        """Colour of each class, uint8 [num_classes, 3], red-green-blue."""
        return np.array([entry.color for entry in self.classes], dtype=np.uint8)

    def lookup(self, table: LabelTable) -> npt.NDArray[np.uint8]:
        """Train id of every byte a mask may hold, uint8 [256]: a class, VOID, or UNKNOWN for what is no label."""
        lookup = np.full(256, UNKNOWN, dtype=np.uint8)
        lookup[table.written_ids()] = VOID
        for train_id, ids in enumerate(self.label_ids(table)):
            lookup[[written(label_id) for label_id in ids]] = train_id
        return lookup

    def label_ids(self, table: LabelTable) -> tuple[tuple[int, ...], ...]:
        """Ids of the labels of each class, in the order of the grouping; the first is written for predictions.

        Raises ValueError if a label of the grouping is not in the table.
        """
        known = {label.name for label in table.labels}
        unknown = sorted({label for entry in self.classes for label in entry.labels} - known)
        if unknown:
            raise ValueError(
                f"grouping {self.name!r}: {unknown} are not labels of {table.name}; "
                f"known labels: {sorted(known)}; correct the names, or choose another option of classes= for this data"
            )
        return tuple(tuple(label.id for label in table.named(entry.labels)) for entry in self.classes)

    def written_ids(self, table: LabelTable) -> npt.NDArray[np.uint8]:
        """The byte that stands for each class in masks of predictions, uint8 [num_classes]: its first label's."""
        return np.array([written(ids[0]) for ids in self.label_ids(table)], dtype=np.uint8)

    def categories(self, table: LabelTable) -> tuple[str | None, ...]:
        """Category of each class; None where its labels disagree or the data set has no categories."""
        of_class = [{label.category for label in table.named(entry.labels)} for entry in self.classes]
        return tuple(found.pop() if len(found) == 1 else None for found in of_class)


def _segmentation_class(grouping: str, name: str, entry: Mapping[str, Sequence]) -> SegmentationClass:
    if set(entry) != {"labels", "color"} or not entry["labels"] or len(entry["color"]) != 3:
        raise ValueError(
            f"grouping {grouping!r}: class {name!r} is {dict(entry)}; "
            "it needs labels: [one label or more] and color: [red, green, blue]"
        )
    if not all(type(value) is int and 0 <= value <= 255 for value in entry["color"]):
        raise ValueError(f"grouping {grouping!r}: color of {name!r} is {list(entry['color'])}; each is 0 to 255")
    red, green, blue = entry["color"]
    return SegmentationClass(name, tuple(str(label) for label in entry["labels"]), (red, green, blue))


def _refuse_repeats(grouping: str, what: str, values: list) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"grouping {grouping!r}: {what} {repeated} listed more than once; each belongs to one class")


CITYSCAPES = LabelTable(  # Cordts et al. 2016, arXiv:1604.01685; ids and colours of the public label definitions
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

CAMVID = LabelTable(  # Brostow et al. 2009; the 11 classes, indices and colours of the SegNet tutorial
    "camvid",
    (
        Label("sky", 0, (128, 128, 128)),
        Label("building", 1, (128, 0, 0)),
        Label("pole", 2, (192, 192, 128)),
        Label("road", 3, (128, 64, 128)),
        Label("pavement", 4, (60, 40, 222)),
        Label("tree", 5, (128, 128, 0)),
        Label("sign symbol", 6, (192, 128, 128)),
        Label("fence", 7, (64, 64, 128)),
        Label("car", 8, (64, 0, 128)),
        Label("pedestrian", 9, (64, 64, 0)),
        Label("bicyclist", 10, (0, 128, 192)),
        Label("void", 11, (0, 0, 0)),
    ),
)
