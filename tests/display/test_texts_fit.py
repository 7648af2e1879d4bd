"""Texts of figures: none is cut, and none lies over another, whatever the classes are called and how many there are."""

import numpy as np
import pytest

from segexp.display.class_shares import class_shares
from segexp.display.confusion_heatmap import confusion_heatmap
from segexp.display.learning_curves import learning_curves
from segexp.display.scene_sheet import SheetRow, scene_sheet
from segexp.metric.scores import class_iou
from segexp.types import VOID
from tests.display.readable import require_readable

LONG = "a class whose name the authors of the data set made as precise as they could"
NAMES = {
    "two": ("road", "the rest"),
    "eight": ("flat", "human", "vehicle", "construction", "object", "nature", "sky", "void"),
    "nineteen": tuple(f"traffic sign {number}" for number in range(19)),
    "long": tuple(f"{LONG} {number}" for number in range(6)),
    "price in $ and $": ("10 $ to 20 $", "more_than_that^2"),
}


@pytest.fixture(params=NAMES.values(), ids=NAMES)
def names(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param


def colors(names: tuple[str, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (len(names), 3), np.uint8)


def test_of_a_sheet(names: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for name, size in ((LONG * 3, (64, 128)), ("frankfurt_000000_000294", (120, 90))):
        target = rng.integers(0, len(names), size, np.uint8)
        target[:5] = VOID
        rows.append(SheetRow(name, np.zeros((*size, 3), np.uint8), target, target % 2, 0.25))
    require_readable(scene_sheet(rows, names, colors(names), "val: the worst 3 and the best 3 of 500 images"))


def test_of_a_confusion_matrix(names: tuple[str, ...]) -> None:
    confusion = np.random.default_rng(0).integers(0, 100, (len(names), len(names)))
    confusion[0] = confusion[:, 0] = 0
    require_readable(confusion_heatmap(confusion, class_iou(confusion), names))


@pytest.mark.parametrize(
    ("num_epochs", "names"),
    [
        (0, NAMES["two"]),
        (1, NAMES["eight"]),
        (1, NAMES["price in $ and $"]),
        (200, NAMES["nineteen"]),
        (30, NAMES["long"]),
    ],
)
def test_of_learning_curves(num_epochs: int, names: tuple[str, ...]) -> None:
    rows = []
    for epoch in range(num_epochs):
        scores = {"loss": 1 / (epoch + 1), "miou": 1 - 0.9**epoch, **{f"iou/{name}": 0.1 for name in names}}
        of_splits = {f"{split}/{score}": value for split in ("train", "val") for score, value in scores.items()}
        rows.append({"epoch": epoch, "step": 1000 * epoch, "train/lr": 0.01 * 0.9**epoch, **of_splits})
    require_readable(learning_curves(rows, LONG * 2, names))


def test_of_class_shares(names: tuple[str, ...]) -> None:
    shares = [10.0**-place for place in range(len(names) - 1)] + [0.0]
    require_readable(class_shares(shares, names, colors(names), LONG * 2))
