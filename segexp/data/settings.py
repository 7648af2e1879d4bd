"""How a data set is read, whichever it is: the keys of data= that every option has."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from segexp.config.schema import Count, Folder, Settings, Size, Split, WholeNumber, shown

CacheKind = Annotated[
    Literal["off", "memory", "disk"],
    BeforeValidator(lambda kind: "off" if kind is False else kind),  # YAML reads a bare off as false
]


class Reading(Settings):
    """train_split, val_split: names of the source's splits.

    image_size: [height, width] that images are resized to for the network, None for native; scores are native always.
    batch_size: training samples a step on each rank; eval_batch_size: images at once in validation, which must then be
        of one size.
    num_workers: reading processes of each rank; None for the cores of this process less one, at most 8.
    cache, cache_size, cache_root: where decoded scenes are kept between epochs, see `Cache`; samples are the same.
    """

    train_split: Split
    val_split: Split
    image_size: Size | None
    batch_size: Count
    eval_batch_size: Count
    num_workers: WholeNumber | None
    cache: CacheKind
    cache_size: Size | None
    cache_root: Folder

    @model_validator(mode="after")
    def _size_of_cache_fits(self) -> Self:
        if self.cache_size not in (None, self.image_size):
            raise ValueError(
                f"data.cache_size is {shown(self.cache_size)} and data.image_size is {shown(self.image_size)}; a cache "
                "holds images at native size (null) or at data.image_size: set both to the same, or "
                "data.cache_size=null"
            )
        return self


READING = tuple(Reading.model_fields)
"""Keys of data= that say how a data set is read; all others are its own."""
