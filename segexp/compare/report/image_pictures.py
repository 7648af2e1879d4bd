"""Pictures of images on which variants differ: the image, the ground truth, and the prediction of each variant."""

import base64
from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from segexp.compare.report.difference_map import difference_map, difference_picture
from segexp.compare.report.image_spread import ImageSpread
from segexp.compare.report.predictions import Predictions, find_predictions
from segexp.compare.verdict.comparison import Comparison
from segexp.data.reading import read_image, read_mask
from segexp.display.pictures import BLACK, with_palette
from segexp.types import Bytes

WIDTH = 480
"""Of a picture that was enlarged by a click; beside others it is smaller."""
MOST_PREDICTIONS = 8
UNREADABLE = (OSError, ValueError, Image.DecompressionBombError)


class Picture(NamedTuple):
    """title: image, truth, or a variant. notes: lines below it. source: a data URI.

    difference: of a prediction, that of its difference map; else empty.
    """

    title: str
    notes: list[str]
    source: str
    difference: str = ""


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
        pictures = _pictures(comparison, predictions, image)
        if pictures:
            by_image[image.name] = pictures
    missing = "" if by_image else "The files of these images are no longer there."
    return ImagePictures(by_image, _legend(predictions), missing, without, predictions.damaged)


def _legend(predictions: Predictions) -> list[tuple[str, str]]:
    """The classes, and black void, unless that is one of the classes."""
    colors = ["#{:02x}{:02x}{:02x}".format(*color) for color in predictions.colors]
    legend = list(zip(predictions.class_names, colors, strict=True))
    return legend if "void" in predictions.class_names else [*legend, ("void", "#000000")]


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


def _pictures(comparison: Comparison, predictions: Predictions, image: ImageSpread) -> list[Picture]:
    """The image, the ground truth and the predictions of variants; empty if image or mask cannot be read."""
    place = predictions.image_names.index(image.name)
    try:
        pixels = read_image(predictions.images[place], predictions.bit_depth)
        target = predictions.lookup[read_mask(predictions.masks[place])]
    except UNREADABLE:
        return []
    by_variant = _predictions_on(image.name, predictions, _chosen_variants(comparison, predictions, image))
    baseline = by_variant.get(comparison.rows[0].name)
    pictures = [Picture("image", [], _image_uri(pixels)), Picture("truth", [], _mask_uri(target, predictions))]
    for number, row in enumerate(comparison.rows):
        prediction = by_variant.get(row.name)
        if prediction is None:
            continue
        difference = "" if baseline is None else _difference_uri(target, prediction, baseline)
        notes = _notes(image.miou[number], len(row.seeds), predictions.runs[row.name].seed)
        pictures.append(Picture(row.name, notes, _mask_uri(prediction, predictions), difference))
    return pictures


def _predictions_on(image_name: str, predictions: Predictions, names: Sequence[str]) -> dict[str, Bytes]:
    """Variant -> train ids [H, W], of those whose file can be read."""
    found = {}
    for name in names:
        try:
            found[name] = predictions.lookup[read_mask(predictions.file(predictions.runs[name], image_name))]
        except UNREADABLE:
            continue
    return found


def _notes(mean: float, num_seeds: int, seed: int) -> list[str]:
    """The mean of all seeds, and the seed that the picture shows."""
    return [f"mIoU {mean:.3f}", f"mean of {num_seeds} seeds; shown: seed {seed}" if num_seeds > 1 else f"seed {seed}"]


def _image_uri(image: Bytes) -> str:
    return _data_uri(Image.fromarray(image).resize(_size(image), Image.Resampling.LANCZOS, reducing_gap=3), "jpeg")


def _mask_uri(train_ids: Bytes, predictions: Predictions) -> str:
    return _data_uri(with_palette(_smaller(train_ids), predictions.colors, void=BLACK), "png")


def _difference_uri(target: Bytes, prediction: Bytes, baseline: Bytes) -> str:
    """Of the pixels that the pictures beside it show, so that all of them fit to one another."""
    return _data_uri(difference_picture(difference_map(*map(_smaller, (target, prediction, baseline)))), "png")


def _smaller(train_ids: Bytes) -> Bytes:
    return np.asarray(Image.fromarray(train_ids).resize(_size(train_ids), Image.Resampling.NEAREST))


def _size(pixels: Bytes) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    return WIDTH, max(1, round(WIDTH * height / width))


def _data_uri(picture: Image.Image, form: str) -> str:
    content = BytesIO()
    picture.save(content, form, quality=82)
    return f"data:image/{form};base64,{base64.b64encode(content.getvalue()).decode()}"
