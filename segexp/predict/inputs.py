"""Images and videos to be predicted, each with a name of its own below the output folder."""

import os
from collections import Counter
from contextlib import suppress
from mimetypes import MimeTypes
from pathlib import Path
from typing import NamedTuple, NoReturn

from segexp.system.files import hidden_files, is_hidden

IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".avif"}
VIDEO_ENDINGS = {
    ".mp4",
    ".mkv",
    ".mov",
    ".avi",
    ".webm",
    ".m4v",
    ".mpg",
    ".mpeg",
    ".ts",
    ".mts",
    ".m2ts",
    ".3gp",
    ".wmv",
}
RAW_ENDINGS = {".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"}
"""Of what the sensors of cameras measured. Libraries for images read only the small preview in it, if anything."""
OTHER_IMAGE_ENDINGS = {".jxl", ".hif", ".jp2", ".j2k", ".jfif", ".tga", ".exr", ".hdr"}
"""Of images, beside those whose type Python knows by their ending. Whether a file can be read shows when it is."""
TYPES = MimeTypes(filenames=())
"""The types that Python itself knows, the same on every machine."""
FACTS_FILE, OUTPUT_KINDS = "predictions.json", ("masks", "overlays", "probabilities")
"""The file that every folder of predictions has, and the folders of which it has some."""


class Input(NamedTuple):
    """name: path below the output folder, without ending; is_video: whether it has frames."""

    file: Path
    name: str
    is_video: bool

    def check(self) -> None:
        """Raise ValueError if there is no file, or one that holds no image that could be decoded."""
        if not self.file.is_file():
            raise ValueError("no such file, or a link to a missing one")
        if self.file.suffix.lower() in RAW_ENDINGS:
            raise ValueError("raw data of a camera, of which only a preview could be read; develop it to PNG or JPEG")


def check_output(output: Path, place: Path) -> None:
    """Raise ValueError if output is no folder, or holds the folder of inputs: predictions would be taken for inputs."""
    existing = next(each for each in (output, *output.parents) if os.path.lexists(each))
    if not existing.is_dir():
        raise ValueError(f"output: {existing} exists and is not a folder; choose another one")
    if place.is_dir() and output.resolve() in (place.resolve(), *place.resolve().parents):
        raise ValueError(
            f"output: {output} holds the input {place}; predictions need a folder of their own, "
            f"such as output={place / 'predicted'}"
        )


def find_inputs(place: Path, output: Path) -> list[Input]:
    """List the file, or every image and video below the folder, by path, without output and earlier predictions.

    Whatever looks like an image by its ending is listed, so that files that cannot be read, such as HEIC, are named.
    A file keeps its ending in its name if another file has its stem, as its own or as its whole name. Links to files
    that are not there are listed, as broken files; links to folders are not followed.
    Raises FileNotFoundError if there is nothing, ValueError for a single file that is neither image nor video, OSError
    for a folder that cannot be searched.
    """
    if place.is_file():
        if not _is_image(place) and not _is_video(place):
            raise ValueError(f"input: {place} is neither image nor video; known endings: {_endings()}")
        return [Input(place, place.stem, _is_video(place))]
    if not place.is_dir():
        cause = "; there is a pipe, a device or a link to nothing" if os.path.lexists(place) else ""
        raise FileNotFoundError(f"input: no file or folder {place.absolute()}{cause}")
    files = _files(place, output)
    known = [file.relative_to(place) for file in files if _is_image(file) or _is_video(file)]
    if not known:
        raise FileNotFoundError(
            f"input: none of the {len(files)} files below {place.absolute()} ends in {_endings()}; correct input="
        )
    stems = Counter(file.with_suffix("") for file in known)
    taken = set(known)  # a.png beside a.png.bmp: the stem of the one is the name of the other
    names = [file if stems[stem] > 1 or stem in taken else stem for file in known for stem in [file.with_suffix("")]]
    return [Input(place / file, name.as_posix(), _is_video(file)) for file, name in zip(known, names, strict=True)]


def _files(place: Path, output: Path) -> list[Path]:
    """Everything but folders, by path; nothing that is hidden, in output, or predicted before.

    A line says how many images and videos are hidden.
    """
    files: list[Path] = []
    for folder, folders, names in os.walk(place, onerror=_refuse):
        folders[:] = [each for each in folders if _is_searched(Path(folder, each), output)]
        files += [Path(folder, name) for name in names]
    hidden = [file for file in files if is_hidden(file) and file.suffix.lower() in IMAGE_ENDINGS | VIDEO_ENDINGS]
    if hidden:
        print(f"left out: {hidden_files(len(hidden))}, the first is {min(hidden)}")
    return sorted(file for file in files if not is_hidden(file))


def _is_searched(folder: Path, output: Path) -> bool:
    is_left_out = folder.name.startswith(".") or _is_predicted(folder)
    return not is_left_out and folder.resolve() != output.resolve()


def _is_predicted(folder: Path) -> bool:
    with suppress(OSError):  # its path is too long, which is an error when it is searched
        return (folder / FACTS_FILE).is_file() and any((folder / kind).is_dir() for kind in OUTPUT_KINDS)
    return False


def _refuse(error: OSError) -> NoReturn:
    raise OSError(f"input: cannot search {error.filename}: {error.strerror}; permit it, or name another folder")


def _is_image(file: Path) -> bool:
    ending = file.suffix.lower()
    kind, _ = TYPES.guess_type(f"a{ending}", strict=False)
    return ending in IMAGE_ENDINGS | RAW_ENDINGS | OTHER_IMAGE_ENDINGS or (kind or "").startswith("image/")


def _is_video(file: Path) -> bool:
    return file.suffix.lower() in VIDEO_ENDINGS


def _endings() -> str:
    return ", ".join(sorted(IMAGE_ENDINGS | VIDEO_ENDINGS))
