"""Pictures of images on which variants differ: the image, the ground truth, and the prediction of each variant."""

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from segexp.compare.report.image_spread import ImageSpread
from segexp.compare.report.predictions import Predictions, find_predictions
from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.evaluated_run import Run
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


class ImagePictures(NamedTuple):
    """by_image: name -> pictures. legend: class and its colour in CSS. missing: why there are no pictures, or empty.

    without: variants that have no predictions. damaged: see `Predictions`.
    """

    by_image: dict[str, list[Picture]]
    legend: list[tuple[str, str]]
    missing: str
    without: list[str]
    damaged: list[str]


def image_pictures(comparison: Comparison, images: Sequence[ImageSpread]) -> ImagePictures:
    """Draw every image that has its files; of more than eight variants the best and the worst on the image."""
    predictions = find_predictions(comparison)
    if isinstance(predictions, str):
        return ImagePictures({}, [], predictions, [], [])
    without = [row.name for row in comparison.rows if row.name not in predictions.runs]
    by_image = {}
    for image in images:
        pictures = _pictures(predictions, image, _chosen_variants(comparison, predictions, image))
        if pictures:
            by_image[image.name] = pictures
    legend = [
        (name, "#{:02x}{:02x}{:02x}".format(*color))
        for name, color in zip(predictions.class_names, predictions.colors, strict=True)
    ]
    missing = "" if by_image else "The files of these images are no longer there."
    return ImagePictures(by_image, legend, missing, without, predictions.damaged)


def _chosen_variants(comparison: Comparison, predictions: Predictions, image: ImageSpread) -> list[str]:
    """Names of variants with predictions: the baseline, and of the others the best and the worst on this image."""
    scored = [
        (row.name, score)
        for row, score in zip(comparison.rows, image.miou, strict=True)
        if row.name in predictions.runs
    ]
    if len(scored) > MOST_PREDICTIONS:
        baseline, *others = scored
        ordered = sorted(others, key=lambda each: -each[1])
        half = MOST_PREDICTIONS // 2
        chosen = {baseline[0], *(name for name, _ in [*ordered[:half], *ordered[1 - half :]])}
        scored = [each for each in scored if each[0] in chosen]
    return [name for name, _ in scored]


def _pictures(predictions: Predictions, image: ImageSpread, names: Sequence[str]) -> list[Picture]:
    """The image, the ground truth and the predictions of these variants; empty if image or mask cannot be read."""
    place = predictions.image_names.index(image.name)
    try:
        pictures = [
            Picture("image", "", _image_uri(read_image(predictions.images[place], predictions.bit_depth))),
            Picture("truth", "", _mask_uri(read_mask(predictions.masks[place]), predictions)),
        ]
    except (OSError, ValueError, Image.DecompressionBombError):
        return []
    for name in names:
        run = predictions.runs[name]
        try:
            label_ids = read_mask(predictions.file(run, image.name))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
        pictures.append(Picture(name, _note(run, place), _mask_uri(label_ids, predictions)))
    return pictures


def _note(run: Run, place: int) -> str:
    return f"seed {run.seed}, mIoU {run.image_miou[place]:.3f}"


def _image_uri(image: Bytes) -> str:
    small = Image.fromarray(image).resize(_size(image), Image.Resampling.LANCZOS, reducing_gap=3)
    return _data_uri(small, "jpeg", quality=82)


def _mask_uri(label_ids: Bytes, predictions: Predictions) -> str:
    train_ids = predictions.lookup[label_ids]
    small = Image.fromarray(train_ids).resize(_size(train_ids), Image.Resampling.NEAREST)
    return _data_uri(Image.fromarray(colorize(np.asarray(small), predictions.colors)), "png", optimize=True)


def _size(pixels: Bytes) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    return WIDTH, max(1, round(WIDTH * height / width))


def _data_uri(picture: Image.Image, form: str, **options: int) -> str:
    content = io.BytesIO()
    picture.save(content, form, **options)
    return f"data:image/{form};base64,{base64.b64encode(content.getvalue()).decode()}"
