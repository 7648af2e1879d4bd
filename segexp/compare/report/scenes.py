"""Pictures of images on which variants differ: image, truth, and what each variant saw there."""

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from segexp.compare.report.images import ImageScores
from segexp.compare.report.predictions import Predictions, predictions
from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.evaluated import Run
from segexp.data.reading import read_image, read_mask
from segexp.display.pictures import colorize
from segexp.types import Bytes

WIDTH = 320
MOST_PREDICTIONS = 8


class Picture(NamedTuple):
    """title: image, truth, or a variant. note: seed and mIoU of a prediction. source: a data URI."""

    title: str
    note: str
    source: str


class Pictures(NamedTuple):
    """scenes: name -> pictures. legend: class and its colour in CSS. missing: why there are none, empty if there are.

    without: variants that have no predictions. damaged: see `Predictions`.
    """

    scenes: dict[str, list[Picture]]
    legend: list[tuple[str, str]]
    missing: str
    without: list[str]
    damaged: list[str]


def pictured(comparison: Comparison, images: Sequence[ImageScores]) -> Pictures:
    """Of images and variants that have all it takes; of more than eight variants those that scored best and worst."""
    found = predictions(comparison)
    if isinstance(found, str):
        return Pictures({}, [], found, [], [])
    without = [row.name for row in comparison.rows if row.name not in found.runs]
    scenes = {}
    for image in images:
        pictures = _scene(found, image, _shown(comparison, found, image))
        if pictures:
            scenes[image.name] = pictures
    legend = [
        (name, "#{:02x}{:02x}{:02x}".format(*color))
        for name, color in zip(found.class_names, found.colors, strict=True)
    ]
    missing = "" if scenes else "The files of these images are no longer there."
    return Pictures(scenes, legend, missing, without, found.damaged)


def _shown(comparison: Comparison, found: Predictions, image: ImageScores) -> list[str]:
    """Names of variants in the order of the rows: the baseline, and of the others the best and the worst here."""
    scored = [
        (row.name, score) for row, score in zip(comparison.rows, image.miou, strict=True) if row.name in found.runs
    ]
    if len(scored) > MOST_PREDICTIONS:
        baseline, *others = scored
        ordered = sorted(others, key=lambda each: -each[1])
        half = MOST_PREDICTIONS // 2
        chosen = {baseline[0], *(name for name, _ in [*ordered[:half], *ordered[1 - half :]])}
        scored = [each for each in scored if each[0] in chosen]
    return [name for name, _ in scored]


def _scene(found: Predictions, image: ImageScores, names: Sequence[str]) -> list[Picture]:
    """Empty if the image or its mask cannot be read."""
    place = found.image_names.index(image.name)
    try:
        pictures = [
            Picture("image", "", _photograph(read_image(found.images[place]))),
            Picture("truth", "", _class_map(found.lookup[read_mask(found.masks[place])], found.colors)),
        ]
    except (OSError, ValueError, Image.DecompressionBombError):
        return []
    for name in names:
        run = found.runs[name]
        try:
            predicted = read_mask(found.file(run, image.name))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
        pictures.append(Picture(name, _note(run, place), _class_map(found.lookup[predicted], found.colors)))
    return pictures


def _note(run: Run, place: int) -> str:
    return f"seed {run.seed}, mIoU {run.image_miou[place]:.3f}"


def _photograph(image: Bytes) -> str:
    small = Image.fromarray(image).resize(_size(image), Image.Resampling.LANCZOS, reducing_gap=3)
    return _data_uri(small, "jpeg", quality=82)


def _class_map(train_ids: Bytes, colors: Bytes) -> str:
    small = Image.fromarray(train_ids).resize(_size(train_ids), Image.Resampling.NEAREST)
    return _data_uri(Image.fromarray(colorize(np.asarray(small), colors)), "png", optimize=True)


def _size(pixels: Bytes) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    return WIDTH, max(1, round(WIDTH * height / width))


def _data_uri(picture: Image.Image, form: str, **options: int) -> str:
    content = io.BytesIO()
    picture.save(content, form, **options)
    return f"data:image/{form};base64,{base64.b64encode(content.getvalue()).decode()}"
