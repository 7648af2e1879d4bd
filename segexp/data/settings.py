"""The keys below data that every option of data= has: how a data set is read."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from segexp.config.schema import BitDepth, Count, Folder, Settings, Size, Split, WholeNumber, WithoutEffect, shown

CacheKind = Annotated[
    Literal["off", "memory", "disk"],
    BeforeValidator(lambda kind: "off" if kind is False else kind),  # YAML reads a bare off as false
]


class ReadingSettings(Settings):
    """How the scenes of a data set are read and batched.

    train_split, val_split: names of the source's splits.
    splits_may_overlap: whether a training begins although these two have images in common.
    image_size: [height, width] that images are resized to for the network, None for native size; scores are always
        computed at native size.
    bit_depth: how many bits a channel the values of images use where their files store more than 8; None for as many as
        are stored. The upper 8 of them are kept.
    batch_size: training samples of each rank in a step.
    eval_batch_size: images of a batch in validation; if there are several, they must have the same size.
    num_workers: reading processes of each rank; None for the number of usable cores less one, at most 8.
    cache, cache_size, cache_root: where decoded scenes are kept between epochs, see `Cache`; it changes no sample.
    """

    train_split: Split
    val_split: Split
    splits_may_overlap: Annotated[bool, WithoutEffect()]
    image_size: Size | None
    bit_depth: BitDepth | None
    batch_size: Count
    eval_batch_size: Count
    num_workers: Annotated[WholeNumber | None, WithoutEffect()]
    cache: Annotated[CacheKind, WithoutEffect()]
    cache_size: Annotated[Size | None, WithoutEffect()]
    cache_root: Annotated[Folder, WithoutEffect()]

    @model_validator(mode="after")
    def _cache_size_is_image_size(self) -> Self:
        if self.cache_size not in (None, self.image_size):
            raise ValueError(
                f"data.cache_size is {shown(self.cache_size)} and data.image_size is {shown(self.image_size)}; a cache "
                "holds images at native size (null) or at data.image_size: set both to the same, or "
                "data.cache_size=null"
            )
        return self


READING_KEYS = tuple(ReadingSettings.model_fields)
"""The keys below data that say how a data set is read; all others are arguments of the data set."""
