"""Bodies of the API's responses, as /openapi.json describes them."""

from pydantic import BaseModel

from segexp.types import Weights


class ClassEntry(BaseModel):
    """iou: on the whole split, from the run's last evaluation with these weights; null where there was none."""

    id: int
    name: str
    color: tuple[int, int, int]
    iou: float | None


class UploadLimits(BaseModel):
    """bytes: of the file. pixels: of the decoded image."""

    bytes: int
    pixels: int


class RunDescription(BaseModel):
    """image_size: [height, width] that the network sees, null for an image's own. void: train id of no class.

    weights: which are used of a run that keeps an average of them as well: averaged or raw; null for any other run.
    """

    run: str
    model: str
    grouping: str
    split: str | None
    classes: list[ClassEntry]
    miou: float | None
    weights: Weights | None
    void: int
    image_size: tuple[int, int] | None
    limits: UploadLimits


class ImageLink(BaseModel):
    """thumbnail: link to a JPEG of at most 256 pixels each way.

    miou: as in `ScoresOfImage`, from the run's last evaluation with these weights or, once the server has predicted the
    image, from that; null while it is unknown.
    """

    id: str
    href: str
    thumbnail: str
    miou: float | None


class ImagePage(BaseModel):
    total: int
    offset: int
    limit: int
    images: list[ImageLink]
    next: str | None
    previous: str | None


class ScoresOfImage(BaseModel):
    """Fractions 0..1. iou: of the classes in the ground truth or the prediction; null for the others.

    miou: mean over the classes in the ground truth, as `segexp.evaluate` ranks images; null where none is.
    """

    miou: float | None
    pixel_accuracy: float | None
    iou: dict[str, float | None]


class Duration(BaseModel):
    """In seconds. network: of the batch that the image was in. total: from the whole request to the answer."""

    network: float
    total: float


class UploadResponse(BaseModel):
    """image, prediction: PNG inline; the prediction's indices are train ids, its palette their colours.

    statistics: what can be said of a prediction without ground truth.
    """

    id: None = None
    width: int
    height: int
    image: str
    prediction: str
    scores: None = None
    statistics: "PredictionStatistics"
    seconds: Duration


class PredictionStatistics(BaseModel):
    """share: fraction of the pixels that were predicted as each class, 0..1.

    confidence: probability of the predicted class, mean over those pixels; null for a class that was not predicted.
    mean_confidence: over all pixels. Null also where the network's probabilities are not finite.
    """

    share: dict[str, float]
    confidence: dict[str, float | None]
    mean_confidence: float | None


class ImageResponse(BaseModel):
    """image, truth, prediction: links to PNG, or PNG inline; truth is the ground truth. See UploadResponse."""

    id: str
    width: int
    height: int
    previous: str | None
    next: str | None
    image: str
    truth: str
    prediction: str
    scores: ScoresOfImage
    seconds: Duration
