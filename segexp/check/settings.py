"""The settings of `python -m segexp.check`; bad values are refused before anything heavy is loaded."""

from typing import Annotated, Any

from pydantic import Field

from segexp.config.schema import Allowed, Settings, Split, Tuple


class CheckSettings(Settings):
    """The keys of conf/check.yaml.

    classes, data: the grouping and the data set, as `build` reads them.
    splits: names of the splits to read. picture: path of the PNG that shows the share of each class.
    """

    classes: dict[str, Any]
    data: dict[str, Any]
    splits: Annotated[
        tuple[Split, ...], Field(min_length=1), Tuple, Allowed("a list of names of splits, such as [train,val]")
    ]
    picture: Annotated[str, Field(pattern=r"\S"), Allowed("the path of a PNG file, such as class_shares.png")]
