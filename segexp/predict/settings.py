"""The settings of a prediction, checked before anything heavy is loaded."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from segexp.config.schema import Allowed, BitDepth, Count, Device, Text
from segexp.inference.settings import InferenceSettings
from segexp.system import remote
from segexp.types import Weights


def _refuse_url(place: str) -> str:
    if remote.is_url(place):
        raise ValueError
    return place


RunPlace = Annotated[
    str, Field(pattern=r"\S"), Allowed("the path of a run folder, or its URL; type a number as ./2024")
]
InputPath = Annotated[
    str,
    Field(pattern=r"\S"),
    AfterValidator(_refuse_url),
    Allowed("the path of an image, a video, or a folder of them; only run may be a URL; type a number as ./2024"),
]
OutputPath = Annotated[
    str,
    Field(pattern=r"\S"),
    AfterValidator(_refuse_url),
    Allowed("the path of a folder to write to; only run may be a URL; type a number as ./2024"),
]


class PredictSettings(InferenceSettings):
    """Every key of conf/predict.yaml; those of the network's run are inherited."""

    run: RunPlace
    input: InputPath
    output: OutputPath
    checkpoint: Text
    weights: Weights | None
    masks: Literal["label_ids", "class_ids", "colored", None]
    overlay: bool
    opacity: Annotated[float, Field(ge=0, le=1), Allowed("a number from 0 to 1")]
    legend: bool
    probabilities: bool
    bit_depth: BitDepth | None
    on_existing: Literal["refuse", "skip", "overwrite"]
    device: Device
    batch_size: Count
    num_threads: Count

    @model_validator(mode="after")
    def _writes_something(self) -> Self:
        if not (self.masks or self.overlay or self.probabilities):
            raise ValueError(
                "masks is null, overlay and probabilities are false: nothing would be written; set one of them"
            )
        return self
