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
    id: str
    href: str


class ImagePage(BaseModel):
    total: int
    offset: int
    limit: int
    images: list[ImageLink]
    next: str | None
    previous: str | None


class ScoresOfImage(BaseModel):
    """Fractions 0..1. miou: mean of `iou` over the classes that occur or were predicted, the others are null."""

    miou: float | None
    pixel_accuracy: float | None
    iou: dict[str, float | None]


class Duration(BaseModel):
    """In seconds. network: of the batch that the image was in. total: from the whole request to the answer."""

    network: float
    total: float


class UploadResponse(BaseModel):
    """image, prediction: PNG inline; the prediction's indices are train ids, its palette their colours."""

    id: None = None
    width: int
    height: int
    image: str
    prediction: str
    scores: None = None
    seconds: Duration


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
