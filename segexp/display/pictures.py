"""Draw pictures of segmentations and scores; those with axes or legends by matplotlib."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from segexp.system.files import write_atomic
from segexp.types import VOID, Bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class SheetRow(NamedTuple):
    """One scene in a sheet.

    image: uint8 [H, W, 3]. target, prediction: train ids, uint8 [H, W], of one size, which need not be the image's.
    """

    name: str
    image: Bytes
    target: Bytes
    prediction: Bytes


def colorize(train_ids: Bytes, colors: Bytes) -> Bytes:
    """Train ids [H, W] in the colours [num_classes, 3] of the grouping; void is black. Returns uint8 [H, W, 3]."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(colors)] = colors
    return table[train_ids]


def with_palette(train_ids: Bytes, colors: Bytes) -> Image.Image:
    """A picture whose indices are the train ids [H, W] and whose palette has the classes' colours [num_classes, 3].

    All other indices, void among them, are black.
    """
    picture = Image.fromarray(train_ids)
    picture.putpalette(colors.tobytes() + bytes(768 - colors.size))
    return picture


def png(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "png", compress_level=1)  # a third of the time of the usual 6 for a tenth more bytes
    return content.getvalue()


def error_map(target: Bytes, prediction: Bytes) -> Bytes:
    """Where prediction and target differ, as uint8 [H, W, 3]: red where wrong, light where right, dark where void."""
    picture = np.full((*target.shape, 3), 235, np.uint8)
    picture[target != prediction] = (208, 32, 48)
    picture[target == VOID] = (60, 60, 60)
    return picture


def scene_sheet(scenes: Sequence[SheetRow], class_names: Sequence[str], colors: Bytes) -> "Figure":
    """A row for each scene: image, ground truth, prediction, and where they differ; with a legend below."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    height, width = scenes[0].image.shape[:2]
    panel = 4.2
    num_legend_rows = -(-len(class_names) // 8)
    figure = Figure(figsize=(4 * panel, len(scenes) * panel * height / width + 0.7 + 0.3 * num_legend_rows), dpi=100)
    axes = figure.subplots(len(scenes), 4, squeeze=False)
    for row, scene in zip(axes, scenes, strict=True):
        panels = (scene.image, colorize(scene.target, colors), colorize(scene.prediction, colors))
        for axis, picture in zip(row, (*panels, error_map(scene.target, scene.prediction)), strict=True):
            axis.imshow(picture, interpolation="nearest")
            axis.set_axis_off()
        row[0].set_title(scene.name, fontsize=8, loc="left")
    for axis, title in zip(axes[0], ("image", "ground truth", "prediction", "difference (red: wrong)"), strict=True):
        axis.set_title(title, fontsize=11)
    handles = [Patch(color=color / 255, label=name) for name, color in zip(class_names, colors, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(8, len(handles)), frameon=False)
    figure.set_layout_engine("constrained")
    return figure


def learning_curves(history: Sequence[Mapping[str, Any]]) -> "Figure":
    """Loss and mean IoU of training and validation by epoch, from the rows of metrics.jsonl."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), dpi=100)  # margins that fit, as a layout engine would draw everything twice
    figure.subplots_adjust(left=0.06, right=0.99, bottom=0.13, top=0.92, wspace=0.13)
    for axis, name, title in zip(figure.subplots(1, 2), ("loss", "miou"), ("loss", "mean IoU"), strict=True):
        for split in ("train", "val"):
            rows = [row for row in history if f"{split}/{name}" in row]
            axis.plot([row["epoch"] for row in rows], [row[f"{split}/{name}"] for row in rows], "o-", ms=3, label=split)
        axis.set(xlabel="epoch", title=title)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        axis.legend()
    return figure


def confusion_heatmap(confusion: npt.NDArray[np.int64], class_names: Sequence[str]) -> "Figure":
    """Share of each true class's pixels (row) that went to each predicted class (column)."""
    from matplotlib.figure import Figure

    share = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    size = 3 + 0.42 * len(class_names)
    figure = Figure(figsize=(size, size * 0.9), dpi=100, layout="constrained")
    axis = figure.subplots()
    axis.imshow(share, vmin=0, vmax=1, cmap="Blues")
    for row, column in zip(*np.nonzero(share >= 0.005), strict=True):
        ink = "white" if share[row, column] > 0.5 else "black"
        axis.text(column, row, f"{share[row, column]:.2f}".lstrip("0"), ha="center", va="center", fontsize=7, color=ink)
    ticks = range(len(class_names))
    axis.set_xticks(ticks, class_names, rotation=90)
    axis.set_yticks(ticks, class_names)
    axis.set(xlabel="predicted", ylabel="true", title="share of the true class's pixels")
    return figure


def class_bars(shares: Mapping[str, float], colors: Bytes, title: str) -> "Figure":
    """Share of pixels of each class as horizontal bars, on a logarithmic axis: rare classes are the point."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1.2 + 0.3 * len(shares)), dpi=100, layout="constrained")
    axis = figure.subplots()
    axis.barh(list(shares), list(shares.values()), color=colors / 255, edgecolor="black", linewidth=0.3)
    for row, share in enumerate(shares.values()):
        axis.text(share, row, f" {share:.5f}", va="center", fontsize=8)
    axis.set(xscale="log", xlim=(None, 3), xlabel="share of the scored pixels", title=title)
    axis.invert_yaxis()
    return figure


def save(figure: "Figure", path: Path) -> Path:
    """Write a figure as PNG, whole or not at all."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return write_atomic(path, content.getvalue())
