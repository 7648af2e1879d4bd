"""A sheet of scenes: each image beside its ground truth, its prediction, and where the two differ."""

from collections.abc import Sequence
from math import isnan, nan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from segexp.display.pictures import VOID_COLOR, colorize
from segexp.display.text import draw_legend, legend_height, shorten
from segexp.types import VOID, Bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

PANEL_WIDTH = 420
"""Pixels."""
OPACITY = 0.6
"""Of the classes' colours over the image."""
LONGEST_SCENE = 100
"""Characters of a scene's name on the sheet."""
GAP, HEADING, LINE = 0.06, 0.3, 0.26
"""Inches between panels, for the headings of the columns, and for the name of a scene."""


class SheetRow(NamedTuple):
    """One scene in a sheet.

    image: uint8 [H, W, 3]. target, prediction: train ids, uint8 [H, W], of one size, which need not be the image's.
    miou: mean IoU of this image alone; NaN if no pixel of it is scored.
    """

    name: str
    image: Bytes
    target: Bytes
    prediction: Bytes
    miou: float = nan


def reduce_row(row: SheetRow) -> SheetRow:
    """The same row no larger than its panels, so that those of a whole split fit into memory."""
    height, width = row.target.shape
    if width <= PANEL_WIDTH:
        return row
    size = (PANEL_WIDTH, max(1, round(height * PANEL_WIDTH / width)))
    image = np.asarray(Image.fromarray(row.image).resize(size, Image.Resampling.BOX))
    target, prediction = (
        np.asarray(Image.fromarray(ids).resize(size, Image.Resampling.NEAREST)) for ids in (row.target, row.prediction)
    )
    return row._replace(image=image, target=target, prediction=prediction)


def worst_and_best(rows: Sequence[SheetRow], number: int) -> list[SheetRow]:
    """Half of the rows with the lowest mean IoU, half with the highest, from worst to best; of equal ones the first.

    Rows without a mean IoU are taken only where there are no others. Selecting from a selection and further rows is
    the same as selecting from all of them.
    """
    rows = sorted(rows, key=lambda row: (isnan(row.miou), row.miou))
    num_scored = sum(not isnan(row.miou) for row in rows)
    end = max(num_scored, min(number, len(rows)))
    return rows[: number - number // 2] + rows[max(number - number // 2, end - number // 2) : end]


def error_map(target: Bytes, prediction: Bytes) -> Bytes:
    """Where prediction and target differ, as uint8 [H, W, 3]: red where wrong, light where right, dark where void."""
    picture = np.full((*target.shape, 3), 235, np.uint8)
    picture[target != prediction] = (208, 32, 48)
    picture[target == VOID] = (60, 60, 60)
    return picture


def scene_sheet(scenes: Sequence[SheetRow], class_names: Sequence[str], colors: Bytes, title: str = "") -> "Figure":
    """A row for each scene, under its name and mean IoU; the maps lie over the image. With a legend below."""
    from matplotlib.figure import Figure

    names, patches = _legend(scenes, class_names, colors)
    panel = PANEL_WIDTH / 100
    width = 4 * panel + 5 * GAP
    heights = [panel * scene.target.shape[0] / scene.target.shape[1] for scene in scenes]
    height = HEADING * (1 + bool(title)) + sum(heights) + LINE * len(scenes) + legend_height(names, width) + GAP
    figure = Figure(figsize=(width, height), dpi=100)
    figure.text(0.5, (height - HEADING + 0.07) / height, title, ha="center", size=12)
    top = height - HEADING * (1 + bool(title))
    for column, heading in enumerate(("image", "ground truth", "prediction", "difference (red: wrong)")):
        figure.text(
            (GAP + (column + 0.5) * (panel + GAP)) / width, (top + 0.07) / height, heading, ha="center", size=12
        )
    for scene, rows in zip(scenes, heights, strict=True):
        figure.text(GAP / width, (top - LINE + 0.07) / height, _caption(scene), size=10)
        top -= LINE + rows
        for column, picture in enumerate(_panels(scene, colors)):
            left = GAP + column * (panel + GAP)
            axis = figure.add_axes((left / width, top / height, panel / width, rows / height))
            axis.imshow(picture, interpolation="nearest", aspect="auto")
            axis.set_axis_off()
    draw_legend(figure, patches, names)
    return figure


def _legend(scenes: Sequence[SheetRow], class_names: Sequence[str], colors: Bytes) -> tuple[list[str], "list[Patch]"]:
    from matplotlib.patches import Patch

    shown = [(shorten(name), color) for name, color in zip(class_names, colors / 255, strict=True)]
    if any((scene.target == VOID).any() for scene in scenes):
        shown.append(("not scored", np.array(VOID_COLOR) / 255))
    return [name for name, _ in shown], [Patch(color=tuple(color)) for _, color in shown]


def _caption(scene: SheetRow) -> str:
    name = shorten(scene.name, LONGEST_SCENE)
    return name if isnan(scene.miou) else f"{name}   mIoU {scene.miou:.3f}"


def _panels(scene: SheetRow, colors: Bytes) -> list[Bytes]:
    size = scene.target.shape[::-1]
    image = np.asarray(Image.fromarray(scene.image).resize(size))
    grey = np.asarray(Image.fromarray(image).convert("L").convert("RGB"))
    maps = (colorize(scene.target, colors), colorize(scene.prediction, colors))
    errors = error_map(scene.target, scene.prediction)
    return [image, *(_blend(image, each) for each in maps), _blend(grey, errors)]


def _blend(image: Bytes, colored: Bytes) -> Bytes:
    return np.asarray(Image.blend(Image.fromarray(image), Image.fromarray(colored), OPACITY))
