"""The settings of `python -m segexp.check`; bad values are refused before anything heavy is loaded."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from segexp.config.schema import Allowed, BitDepth, Settings, Size, Split, Tuple


class CheckedData(Settings):
    """The keys below data.

    image_size: [height, width] that a training resizes images to, for which any is large enough; None for native size.
    bit_depth: of images that store more than 8 bits a channel, as in a training.
    splits_may_overlap: whether images that several splits have in common are no problem.
    All other keys are those of the data set, as `build` reads them.
    """

    model_config = ConfigDict(extra="allow")

    image_size: Size | None
    bit_depth: BitDepth | None
    splits_may_overlap: bool

    @property
    def source(self) -> dict[str, Any]:
        return self.model_extra or {}


class CheckSettings(Settings):
    """The keys of conf/check.yaml.

    classes: the grouping, as `build` reads it.
    splits: names of the splits to read. picture: path of the PNG that shows the share of each class.
    """

    classes: dict[str, Any]
    data: CheckedData
    splits: Annotated[
        tuple[Split, ...], Field(min_length=1), Tuple, Allowed("a list of names of splits, such as [train,val]")
    ]
    picture: Annotated[str, Field(pattern=r"\S"), Allowed("the path of a PNG file, such as class_shares.png")]
