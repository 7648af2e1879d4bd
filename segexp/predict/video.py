"""A video -> videos of its masks and overlays, frame by frame, by FFmpeg."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from rich.progress import Progress

from segexp.inference.predictor import Predictor
from segexp.predict.inputs import Input
from segexp.predict.outputs import Outputs
from segexp.predict.prefetch import BackgroundWriter, prefetch
from segexp.system.files import partial_file, write_errors_explained
from segexp.types import SMALLEST_SIDE, Bytes

PREFETCHED_FRAMES = 8
LOSSLESS_PIXEL_FORMATS = {"label_ids": "gray", "class_ids": "gray", "colored": "bgr0"}
"""Pixel formats of FFV1."""
SHORT_SECONDS, SHORT_SHARE = 1.0, 0.05
"""A video that ends this much before its header says is called short; less may be sound that outlasts the pictures."""
FrameWriter = Callable[["Frame", Bytes], None]
PictureWriter = Callable[[Image.Image, int], None]


class Frame(NamedTuple):
    """image: uint8 [H, W, 3], upright. time: when it is shown, in units of the video's time base."""

    image: Bytes
    time: int


def predict_video(item: Input, predictor: Predictor, outputs: Outputs, batch_size: int, progress: Progress) -> str:
    """Write the masks and overlays of a video; return a warning if it ends early, otherwise an empty text.

    Raises ValueError if the video is torn, has no frames or cannot be encoded; nothing is written of it then.
    """
    item.check()
    av = _library()
    try:
        with ExitStack() as stack:
            video = stack.enter_context(av.open(str(item.file.absolute())))
            if not video.streams.video:
                raise ValueError("not a video: it has no frames")
            stream = video.streams.video[0]
            stream.thread_type = "AUTO"
            bar = progress.add_task(item.file.name, total=stream.frames or None)
            frame_writers = _open_outputs(item, outputs, stream, stack)
            # entered after the videos that they write, so that they end before those are closed
            reader, encoder = (stack.enter_context(ThreadPoolExecutor(1)) for _ in range(2))
            writer = BackgroundWriter(encoder, PREFETCHED_FRAMES)
            calls = _next_frame_calls(_frames(video, stream))
            times: list[int] = []
            for batch in _batches(prefetch(reader, calls, PREFETCHED_FRAMES + batch_size), batch_size):
                class_ids = predictor(np.stack([frame.image for frame in batch]))
                for frame, predicted in zip(batch, class_ids, strict=True):
                    for write_frame in frame_writers:
                        writer.submit(write_frame, frame, predicted)
                times += [frame.time for frame in batch]
                progress.advance(bar, len(batch))
            writer.finish()
            if not times:
                raise ValueError("not a video: none of its frames can be decoded")
            return _short_video_warning(video, stream, times)
    except MemoryError:  # FFmpeg's own is one of its errors too
        raise
    except av.FFmpegError as error:
        raise ValueError(f"damaged, or not a video that FFmpeg can read ({error.strerror})") from error


def _library() -> Any:
    try:
        import av
    except ImportError as error:
        raise ValueError("videos need FFmpeg's bindings: pip install 'segexp[video]'") from error
    return av


def _frames(video: Any, stream: Any) -> Iterator[Frame]:
    """Yield upright frames: phones store how they were held, a quarter turn at a time."""
    size: tuple[int, ...] = ()
    for number, frame in enumerate(video.decode(stream)):
        image = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4)
        if min(image.shape[:2]) < SMALLEST_SIDE:
            raise ValueError(
                f"{image.shape[0]} x {image.shape[1]} pixels; allowed: at least {SMALLEST_SIDE} each way; "
                "enlarge the video"
            )
        size = size or image.shape
        if image.shape != size:
            sizes = f"{size[0]} x {size[1]} pixels, and from frame {number} on {image.shape[0]} x {image.shape[1]}"
            raise ValueError(f"its frames have {sizes}; cut it there, or scale them to one size")
        yield Frame(np.ascontiguousarray(image), number if frame.pts is None else frame.pts)


def _next_frame_calls(frames: Iterator[Frame]) -> Iterator[Callable[[], Frame | None]]:
    """Yield calls that return one frame each, and None at the end; only one thread may make them."""
    ended = False

    def next_frame() -> Frame | None:
        nonlocal ended
        frame = next(frames, None)
        ended = frame is None
        return frame

    while not ended:
        yield next_frame


def _batches(frames: Iterator[Frame | None], batch_size: int) -> Iterator[list[Frame]]:
    decoded = (frame for frame in frames if frame is not None)
    while batch := list(islice(decoded, batch_size)):
        yield batch


def _short_video_warning(video: Any, stream: Any, times: list[int]) -> str:
    """Say that the frames end before the duration in the header; empty where they do not, or it has none."""
    between = (times[-1] - times[0]) / max(1, len(times) - 1)  # the last frame is shown as long as the others
    seconds = float((times[-1] - times[0] + between) * stream.time_base)
    expected = (video.duration or 0) / _library().time_base
    if expected - seconds < max(SHORT_SECONDS, SHORT_SHARE * expected):
        return ""
    return f"its frames end after {seconds:.1f} s of the {expected:.1f} s that its header says; is it cut off?"


def _open_outputs(item: Input, outputs: Outputs, stream: Any, stack: ExitStack) -> list[FrameWriter]:
    frame_writers: list[FrameWriter] = []
    if outputs.masks:
        path, pixel_format = outputs.file("masks", item, ".mkv"), LOSSLESS_PIXEL_FORMATS[outputs.masks]
        write_mask = stack.enter_context(_video_writer(path, "matroska", stream, "ffv1", pixel_format))
        frame_writers.append(lambda frame, class_ids: write_mask(outputs.mask(class_ids), frame.time))
    if outputs.overlay:  # H.264 and yuv420p, which every player and browser shows
        path = outputs.file("overlays", item, ".mp4")
        write_overlay = stack.enter_context(_video_writer(path, "mp4", stream, "libx264", "yuv420p"))
        frame_writers.append(
            lambda frame, class_ids: write_overlay(outputs.overlay_picture(frame.image, class_ids), frame.time)
        )
    return frame_writers


@contextmanager
def _video_writer(path: Path, container: str, source: Any, codec: str, pixel_format: str) -> Iterator[PictureWriter]:
    """Give a function that writes a picture at a time; the video gets its name once it is whole.

    source: the stream whose rate and time base the video takes.
    Raises OSError if it cannot be written, ValueError if FFmpeg cannot encode the pictures so.
    """
    av = _library()
    with partial_file(path) as part:
        with _encoding_errors_explained(path, codec):
            video = av.open(str(part), "w", container)
        try:
            stream = _add_stream(video, codec, source.average_rate or Fraction(25))
            stream.pix_fmt = pixel_format
            stream.time_base = stream.codec_context.time_base = source.time_base  # else times are rounded to the rate

            def write(picture: Image.Image, time: int) -> None:
                colors = "gray" if pixel_format == "gray" else "rgb24"
                pixels = np.asarray(_with_even_sides(picture if pixel_format == "gray" else picture.convert("RGB")))
                if not stream.codec_context.is_open:
                    stream.height, stream.width = pixels.shape[:2]
                frame = av.VideoFrame.from_ndarray(pixels, colors)
                frame.pts, frame.time_base = time, source.time_base
                with _encoding_errors_explained(path, codec):
                    video.mux(stream.encode(frame))

            yield write
            with _encoding_errors_explained(path, codec):
                video.mux(stream.encode())
                video.close()
        finally:
            with suppress(av.FFmpegError):  # the first error is the one to report
                video.close()


def _add_stream(video: Any, codec: str, rate: Fraction) -> Any:
    try:
        return video.add_stream(codec, rate=rate)
    except ValueError as error:
        cure = "install the av of PyPI, which has it, or do without this output (overlay=false, masks=null)"
        raise ValueError(f"FFmpeg as it is installed has no encoder {codec}; {cure}") from error


@contextmanager
def _encoding_errors_explained(path: Path, codec: str) -> Iterator[None]:
    """Explain errors of writing, and raise those of FFmpeg as ValueError, as other videos may succeed."""
    try:
        with write_errors_explained(path):
            yield
    except _library().FFmpegError as error:
        cure = "scale the video down, or do without this output (overlay=false, masks=null)"
        raise ValueError(f"could not write {path}: {codec} fails ({error.strerror}); {cure}") from error


def _with_even_sides(picture: Image.Image) -> Image.Image:
    """Add a last row or column to a picture with an odd number of them, as yuv420p needs it."""
    width, height = picture.width + picture.width % 2, picture.height + picture.height % 2
    return picture if (width, height) == picture.size else picture.crop((0, 0, width, height))
