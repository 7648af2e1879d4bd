"""Films to predict, and what is in those that were written."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TIMES = [0, 40, 120, 130, 200]
"""Milliseconds: films of phones have no even rate."""


def write(path: Path, frames: list[np.ndarray], codec: str, pixels: str, times: Sequence[int] = TIMES) -> None:
    with av.open(str(path), "w") as film:
        stream = film.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for image, time in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())


def read(path: Path, pixels: str) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as film:
        found = list(film.decode(film.streams.video[0]))
    return [frame.to_ndarray(format=pixels) for frame in found], [round(1000 * frame.time) for frame in found]
