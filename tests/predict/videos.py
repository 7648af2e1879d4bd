"""Writes videos to predict, and reads those that were predicted."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TIMES = [0, 40, 120, 130, 200]
"""Milliseconds: videos of phones have no even rate."""


def write_video(path: Path, frames: list[np.ndarray], codec: str, pixels: str, times: Sequence[int] = TIMES) -> None:
    with av.open(str(path), "w") as video:
        stream = video.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for image, time in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            video.mux(stream.encode(frame))
        video.mux(stream.encode())


def read_video(path: Path, pixels: str) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as video:
        frames = list(video.decode(video.streams.video[0]))
    return [frame.to_ndarray(format=pixels) for frame in frames], [round(1000 * frame.time) for frame in frames]
