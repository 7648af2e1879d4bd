"""A film -> films of its masks and overlays, frame by frame, by FFmpeg."""

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
from segexp.predict.prefetch import Behind, ahead
from segexp.system.files import partial_file, write_errors_explained
from segexp.types import SMALLEST_SIDE, Bytes

AHEAD = 8
LOSSLESS = {"label_ids": "gray", "class_ids": "gray", "colored": "bgr0"}
"""Pixel formats of FFV1."""
SHORT_SECONDS, SHORT_SHARE = 1.0, 0.05
"""How much earlier than its header says a film ends that is called short: sound may go on for longer than pictures."""


class Frame(NamedTuple):
    """image: uint8 [H, W, 3], upright. time: when it is shown, in units of the film's time base."""

    image: Bytes
    time: int


def predict_film(item: Input, network: Predictor, outputs: Outputs, batch_size: int, progress: Progress) -> str:
    """Returns what is to be said of the film, if anything: that it ends early.

    Raises ValueError if the film is torn, has no frames or cannot be encoded; nothing is written of it then.
    """
    item.check()
    av = _library()
    try:
        with ExitStack() as stack:
            film = stack.enter_context(av.open(str(item.file.absolute())))
            if not film.streams.video:
                raise ValueError("no film: it has no frames")
            stream = film.streams.video[0]
            stream.thread_type = "AUTO"
            bar = progress.add_task(item.file.name, total=stream.frames or None)
            films = _films(item, outputs, stream, stack)
            # left before the films that they write are closed
            reader, writer = (stack.enter_context(ThreadPoolExecutor(1)) for _ in range(2))
            writing = Behind(writer, AHEAD)
            frames = _frames(film, stream)
            times: list[int] = []
            for batch in _batches(ahead(reader, _next(frames), AHEAD + batch_size), batch_size):
                class_ids = network(np.stack([frame.image for frame in batch]))
                for frame, predicted in zip(batch, class_ids, strict=True):
                    for write in films:
                        writing.submit(write, frame, predicted)
                times += [frame.time for frame in batch]
                progress.advance(bar, len(batch))
            writing.finish()
            if not times:
                raise ValueError("no film: none of its frames can be decoded")
            return _shortness(film, stream, times)
    except MemoryError:  # FFmpeg's own is one of its errors too
        raise
    except av.FFmpegError as error:
        raise ValueError(f"torn, or no film that FFmpeg can read ({error.strerror})") from error


def _library() -> Any:
    try:
        import av
    except ImportError as error:
        raise ValueError("films need FFmpeg's bindings: pip install 'segexp[video]'") from error
    return av


def _frames(film: Any, stream: Any) -> Iterator[Frame]:
    """Upright: phones store how they were held, a quarter turn at a time."""
    size: tuple[int, ...] = ()
    for number, frame in enumerate(film.decode(stream)):
        image = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4)
        if min(image.shape[:2]) < SMALLEST_SIDE:
            raise ValueError(f"{image.shape[0]} x {image.shape[1]} pixels; needed is at least {SMALLEST_SIDE} each way")
        size = size or image.shape
        if image.shape != size:
            found = f"{size[0]} x {size[1]} pixels, and {image.shape[0]} x {image.shape[1]} from frame {number}"
            raise ValueError(f"its frames have {found} on; cut it there, or scale them to one size")
        yield Frame(np.ascontiguousarray(image), number if frame.pts is None else frame.pts)


def _next(frames: Iterator[Frame]) -> Iterator[Callable[[], Frame | None]]:
    """Calls that give one frame each, and None at the end; asked for by one thread."""
    ended = False

    def following() -> Frame | None:
        nonlocal ended
        frame = next(frames, None)
        ended = frame is None
        return frame

    while not ended:
        yield following


def _batches(frames: Iterator[Frame | None], batch_size: int) -> Iterator[list[Frame]]:
    sound = (frame for frame in frames if frame is not None)
    while batch := list(islice(sound, batch_size)):
        yield batch


def _shortness(film: Any, stream: Any, times: list[int]) -> str:
    """That the frames end before the film should, by what its header says; nothing where it says nothing."""
    between = (times[-1] - times[0]) / max(1, len(times) - 1)  # the last frame is shown as long as the others
    shown = float((times[-1] - times[0] + between) * stream.time_base)
    said = (film.duration or 0) / _library().time_base
    if said - shown < max(SHORT_SECONDS, SHORT_SHARE * said):
        return ""
    return f"its frames end after {shown:.1f} s of the {said:.1f} s that its header says; is it cut off?"


def _films(item: Input, outputs: Outputs, stream: Any, stack: ExitStack) -> list[Callable[[Frame, Bytes], None]]:
    written: list[Callable[[Frame, Bytes], None]] = []
    if outputs.masks:
        path = outputs.file("masks", item, ".mkv")
        mask = stack.enter_context(_film(path, "matroska", stream, "ffv1", LOSSLESS[outputs.masks]))
        written.append(lambda frame, class_ids: mask(outputs.mask(class_ids), frame.time))
    if outputs.overlay:  # as every player and browser shows it
        path = outputs.file("overlays", item, ".mp4")
        shown = stack.enter_context(_film(path, "mp4", stream, "libx264", "yuv420p"))
        written.append(lambda frame, class_ids: shown(outputs.picture(frame.image, class_ids), frame.time))
    return written


@contextmanager
def _film(
    path: Path, container: str, like: Any, codec: str, stored: str
) -> Iterator[Callable[[Image.Image, int], None]]:
    """A film that is written picture by picture and stands under its name once it is whole.

    stored: pixel format. Raises OSError if it cannot be written, ValueError if FFmpeg cannot encode the pictures so.
    """
    av = _library()
    with partial_file(path) as part:
        with _told(path, codec):
            film = av.open(str(part), "w", container)
        try:
            stream = _stream(film, codec, like.average_rate or Fraction(25))
            stream.pix_fmt = stored
            stream.time_base = stream.codec_context.time_base = like.time_base  # else times are rounded to the rate

            def write(picture: Image.Image, time: int) -> None:
                colors = "gray" if picture.mode == "L" else "rgb24"
                pixels = np.asarray(_even(picture if picture.mode == "L" else picture.convert("RGB")))
                if not stream.codec_context.is_open:
                    stream.height, stream.width = pixels.shape[:2]
                frame = av.VideoFrame.from_ndarray(pixels, colors)
                frame.pts, frame.time_base = time, like.time_base
                with _told(path, codec):
                    film.mux(stream.encode(frame))

            yield write
            with _told(path, codec):
                film.mux(stream.encode())
                film.close()
        finally:
            with suppress(av.FFmpegError):  # the first error is the one to tell
                film.close()


def _stream(film: Any, codec: str, rate: Fraction) -> Any:
    try:
        return film.add_stream(codec, rate=rate)
    except ValueError as error:
        cure = "install the av of PyPI, which has it, or do without this output (overlay=false, masks=null)"
        raise ValueError(f"FFmpeg as it is installed has no encoder {codec}; {cure}") from error


@contextmanager
def _told(path: Path, codec: str) -> Iterator[None]:
    """As `files.told`; what fails within FFmpeg as ValueError, as other films may go better."""
    try:
        with write_errors_explained(path):
            yield
    except _library().FFmpegError as error:
        cure = "scale the film down, or do without this output (overlay=false, masks=null)"
        raise ValueError(f"could not write {path}: {codec} fails ({error.strerror}); {cure}") from error


def _even(picture: Image.Image) -> Image.Image:
    """As yuv420p needs it: a last row or column more where the picture has an odd number."""
    width, height = picture.width + picture.width % 2, picture.height + picture.height % 2
    return picture if (width, height) == picture.size else picture.crop((0, 0, width, height))
