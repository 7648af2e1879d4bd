"""What is to be predicted: photos and films, each with a name of its own below the output folder."""

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

PHOTOS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif"}
FILMS = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts"}
FACTS, KINDS = "predictions.json", ("masks", "overlays", "probabilities")
"""The file of every folder of predictions, and folders of which it has some."""


class Input(NamedTuple):
    """name: path below the output folder, without ending; is_film: whether it has frames."""

    file: Path
    name: str
    is_film: bool

    def check(self) -> None:
        """Raises ValueError if there is no file."""
        if not self.file.is_file():
            raise ValueError("no file, or a link to one that is not there")


def check_output(output: Path, place: Path) -> None:
    """Raises ValueError if output is no folder, or holds the folder of inputs, from which it could not be told then."""
    there = next(each for each in (output, *output.parents) if os.path.lexists(each))
    if not there.is_dir():
        raise ValueError(f"output: {there} is there and no folder; choose another one")
    if place.is_dir() and output.resolve() in (place.resolve(), *place.resolve().parents):
        raise ValueError(
            f"output: {output} holds the input {place}; predictions need a folder of their own, "
            f"such as output={place / 'predicted'}"
        )


def find(place: Path, output: Path) -> list[Input]:
    """The file, or every photo and film below the folder, ordered by path, but for those in output or predicted before.

    A file keeps its ending in its name where another file has its stem, as its own or as its whole name. Links to files
    that are not there are among them, as broken files; links to folders are not followed.
    Raises FileNotFoundError if there is nothing, ValueError for a single file that is neither photo nor film, OSError
    for a folder that cannot be searched.
    """
    if place.is_file():
        if place.suffix.lower() not in PHOTOS | FILMS:
            raise ValueError(f"input: {place} is neither photo nor film; known endings: {_endings()}")
        return [Input(place, place.stem, _is_film(place))]
    if not place.is_dir():
        cause = "; there is a pipe, a device or a link to nothing" if os.path.lexists(place) else ""
        raise FileNotFoundError(f"input: no file or folder {place.absolute()}{cause}")
    files = _files(place, output)
    known = [file.relative_to(place) for file in files if file.suffix.lower() in PHOTOS | FILMS]
    if not known:
        raise FileNotFoundError(
            f"input: none of the {len(files)} files below {place.absolute()} ends in {_endings()}; correct input="
        )
    stems = Counter(file.with_suffix("") for file in known)
    is_taken = set(known)  # a.png beside a.png.bmp: the stem of the one is the name of the other
    names = [file if stems[stem] > 1 or stem in is_taken else stem for file in known for stem in [file.with_suffix("")]]
    return [Input(place / file, name.as_posix(), _is_film(file)) for file, name in zip(known, names, strict=True)]


def _files(place: Path, output: Path) -> list[Path]:
    """Whatever is no folder, by path; nothing that is hidden, in output, or predicted before."""
    found: list[Path] = []
    for folder, folders, names in os.walk(place, onerror=_refuse):
        folders[:] = [each for each in folders if _is_searched(Path(folder, each), output)]
        found += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _is_searched(folder: Path, output: Path) -> bool:
    is_left_out = folder.name.startswith(".") or _is_predicted(folder)
    return not is_left_out and folder.resolve() != output.resolve()


def _is_predicted(folder: Path) -> bool:
    with suppress(OSError):  # its path is too long, which is told where it is searched
        return (folder / FACTS).is_file() and any((folder / kind).is_dir() for kind in KINDS)
    return False


def _refuse(error: OSError) -> NoReturn:
    raise OSError(f"input: cannot search {error.filename}: {error.strerror}; permit it, or name another folder")


def _is_film(file: Path) -> bool:
    return file.suffix.lower() in FILMS


def _endings() -> str:
    return ", ".join(sorted(PHOTOS | FILMS))
