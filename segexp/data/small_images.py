"""Images that are too small for networks: found before a training begins, and named wherever one is read."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from segexp.data.pairs import Pair
from segexp.data.reading import read_stored_size
from segexp.types import SMALLEST_SIDE, Sample

CURE = f"allowed: at least {SMALLEST_SIDE} each way; set data.image_size, to which images are resized, or leave it out"


def size_problem(name: object, size: Sequence[int]) -> str:
    """Say that an image cannot be given to a network; an empty text if it can. name: its file, or the scene's name."""
    return f"{name} has {size[0]} rows and {size[1]} columns; {CURE}" if min(size) < SMALLEST_SIDE else ""


def refuse_small_images(pairs: Sequence[Pair]) -> None:
    """Raise ValueError naming the first image that is too small and how many there are.

    The first bytes of each file are read; images on object storage are left out, since whole files would be copied.
    """
    local = [pair.image for pair in pairs if isinstance(pair.image, Path)]
    with ThreadPoolExecutor() as pool:
        sizes = list(pool.map(read_stored_size, local))
    problems = [problem for each in zip(local, sizes, strict=True) if (problem := size_problem(*each))]
    if problems:
        raise ValueError(f"{len(problems)} of {len(pairs)} images are too small, the first is {problems[0]}")


def refuse_small_sample(sample: Sample) -> Sample:
    """Return the sample, as it would be given to a network. Raises ValueError naming its scene if it is too small."""
    problem = size_problem(f"the image of scene {sample.name!r}", sample.image.shape[-2:])
    if problem:
        raise ValueError(problem)
    return sample
