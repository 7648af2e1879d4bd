"""Labels are the ids in a data set's mask files; a grouping decides which labels form which class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segexp.types import VOID

UNKNOWN_LABEL = 254
"""Train id that `Grouping.lookup` gives to a mask value that is no label of the table; it is never scored.

No class has it, but a label may have the id 254: whether a mask value is a label, the table says.
"""

Color = tuple[int, int, int]


def mask_value(label_id: int) -> int:
    """The byte that stands for a label's id in mask files; -1 becomes 255."""
    return label_id % 256


@dataclass(frozen=True)
class Label:
    """One id that may stand in a mask file.

    id: -1 to 255; `mask_value` gives the byte in the file.
    category: the coarser class it belongs to, None where the data set has no categories.
    color: red, green, blue, 0..255, in the data set's own colouring.
    has_instances: whether single objects of this label have ids of their own.
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
    """All labels that the masks of a data set may hold; a grouping treats several ids of one name as one label.

    Raises ValueError if two labels have the same byte in mask files.
    """

    name: str
    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        label_of_value: dict[int, Label] = {}
        for label in self.labels:
            other = label_of_value.setdefault(mask_value(label.id), label)
            if other is not label:
                raise ValueError(
                    f"labels of {self.name}: {other.name!r} with id {other.id} and {label.name!r} with id {label.id} "
                    f"are both {mask_value(label.id)} in a mask file; leave one out, or correct its id"
                )

    def by_name(self) -> dict[str, Label]:
        """Map each name to the first label that has it."""
        return {label.name: label for label in reversed(self.labels)}

    def with_names(self, names: Sequence[str]) -> tuple[Label, ...]:
        """All labels of these names, in the order of the names, then of the table."""
        return tuple(label for name in names for label in self.labels if label.name == name)

    def lookup(self) -> npt.NDArray[np.uint8]:
        """Table uint8 [256] that maps every label's mask value to itself, and all other bytes to UNKNOWN_LABEL.

        That value may be a label's own.
        """
        lookup = np.full(256, UNKNOWN_LABEL, dtype=np.uint8)
        lookup[self.mask_values()] = self.mask_values()
        return lookup

    def mask_values(self) -> list[int]:
        """The byte that stands for each label in mask files."""
        return [mask_value(label.id) for label in self.labels]


@dataclass(frozen=True)
class SegmentationClass:
    """A class: one channel of the logits."""

    name: str
    labels: tuple[str, ...]
    color: Color


class Grouping:
    """Classes made of labels, by the labels' names; labels of the data set that are in no class are void.

    name: the grouping's name in tables and run folders, e.g. "cityscapes8".
    classes: class name -> {"labels": label names, "color": [red, green, blue]}; the order gives the train ids.
    Raises ValueError for less than two classes, a class without labels, a label listed twice, two of one colour.
    """

    def __init__(self, name: str, classes: Mapping[str, Mapping[str, Sequence]]) -> None:
        self.name = name
        self.classes = tuple(_segmentation_class(name, key, value) for key, value in classes.items())
        if not 1 < len(self.classes) < UNKNOWN_LABEL:
            raise ValueError(
                f"grouping {name!r} has {len(self.classes)} classes; between 2 and {UNKNOWN_LABEL - 1} are allowed; to "
                "tell one class from the rest, make the other labels a second class"
            )
        _refuse_repeats(name, "label", [label for entry in self.classes for label in entry.labels])
        _refuse_repeats(name, "color", [entry.color for entry in self.classes])

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.classes)

    def train_id(self, name: str) -> int:
        """The number that stands for a class in predictions and targets. Raises ValueError naming the known classes."""
        if name not in self.names:
            raise ValueError(f"{name!r} is not a class of {self.name}; classes: {', '.join(self.names)}")
        return self.names.index(name)

    @property
    def colors(self) -> npt.NDArray[np.uint8]:
        """Colour of each class, uint8 [num_classes, 3], red-green-blue."""
        return np.array([entry.color for entry in self.classes], dtype=np.uint8)

    def lookup(self, table: LabelTable) -> npt.NDArray[np.uint8]:
        """Table uint8 [256] of the train id of every mask value: a class, VOID, or UNKNOWN_LABEL if it is no label."""
        lookup = np.full(256, UNKNOWN_LABEL, dtype=np.uint8)
        lookup[table.mask_values()] = VOID
        for train_id, ids in enumerate(self.label_ids(table)):
            lookup[[mask_value(label_id) for label_id in ids]] = train_id
        return lookup

    def label_ids(self, table: LabelTable) -> tuple[tuple[int, ...], ...]:
        """Label ids of each class, in the order of the grouping; predicted masks are written with the first.

        Raises ValueError if a label of the grouping is not in the table.
        """
        known = {label.name for label in table.labels}
        unknown = sorted({label for entry in self.classes for label in entry.labels} - known)
        if unknown:
            raise ValueError(
                f"grouping {self.name!r}: {unknown} are not labels of {table.name}; "
                f"known labels: {sorted(known)}; correct the names, or choose another option of classes= for this data"
            )
        return tuple(tuple(label.id for label in table.with_names(entry.labels)) for entry in self.classes)

    def mask_values(self, table: LabelTable) -> npt.NDArray[np.uint8]:
        """The byte that stands for each class in predicted masks, uint8 [num_classes]: that of its first label."""
        return np.array([mask_value(ids[0]) for ids in self.label_ids(table)], dtype=np.uint8)

    def categories(self, table: LabelTable) -> tuple[str | None, ...]:
        """Category of each class; None if its labels have several or the data set has no categories."""
        by_class = [{label.category for label in table.with_names(entry.labels)} for entry in self.classes]
        return tuple(categories.pop() if len(categories) == 1 else None for categories in by_class)


def _segmentation_class(grouping: str, name: str, entry: Mapping[str, Sequence]) -> SegmentationClass:
    if set(entry) != {"labels", "color"} or not entry["labels"] or len(entry["color"]) != 3:
        raise ValueError(
            f"grouping {grouping!r}: class {name!r} is {dict(entry)}; "
            "it needs labels: [one label or more] and color: [red, green, blue]"
        )
    if not all(type(value) is int and 0 <= value <= 255 for value in entry["color"]):
        raise ValueError(
            f"grouping {grouping!r}: color of {name!r} is {list(entry['color'])}; allowed: whole numbers from 0 to 255"
        )
    red, green, blue = entry["color"]
    return SegmentationClass(name, tuple(str(label) for label in entry["labels"]), (red, green, blue))


def _refuse_repeats(grouping: str, what: str, values: list) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"grouping {grouping!r}: {what} {repeated} is listed more than once; list it in one class")
