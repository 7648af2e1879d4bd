"""Find run folders below a folder, or below each folder that a glob pattern matches."""

import os
from collections.abc import Iterator
from pathlib import Path

from segexp.run.folder import RunFolder


def run_folders(pattern: str) -> list[Path]:
    """Run folders in the order of their paths, each once. Raises FileNotFoundError where there is none.

    Nothing inside a run folder is looked at: loggers keep files of the same name there.
    """
    return find_runs(pattern)[0]


def find_runs(pattern: str, key: str = "runs") -> tuple[list[Path], list[tuple[Path, str]]]:
    """As `run_folders`; and the folders that cannot be looked into, each with the reason.

    key: of the command, under which the pattern was typed.
    """
    path = Path(pattern).expanduser().absolute()
    matched = [path] if path.is_dir() else Path(path.anchor).glob(str(path.relative_to(path.anchor)))
    unreadable: dict[Path, str] = {}
    folders = {folder for start in matched for folder in _runs_below(start, unreadable)}
    if not folders:
        reasons = [f"{folder} {reason}" for folder, reason in unreadable.items()][:3]
        raise FileNotFoundError(
            "; ".join([f"no run folder (one with config.yaml) in {pattern}", *reasons, f"correct {key}="])
        )
    by_target: dict[Path, Path] = {}
    for folder in sorted(folders, key=lambda each: (each.is_symlink(), each)):
        by_target.setdefault(folder.resolve(), folder)
    return sorted(by_target.values()), sorted(unreadable.items())


def _runs_below(start: Path, unreadable: dict[Path, str]) -> Iterator[Path]:
    """Run folders below a folder. Only links to a run are followed, as others may lead round in a circle.

    unreadable: gets the folders that cannot be looked into, with the reason.
    """

    def add_unreadable(error: OSError) -> None:
        if not isinstance(error, NotADirectoryError | FileNotFoundError):  # patterns match files and dead links, too
            unreadable[Path(error.filename)] = f"cannot be looked into: {error.strerror}"

    for folder, subfolders, files in os.walk(start, onerror=add_unreadable):
        if "config.yaml" in files:
            subfolders.clear()
            yield Path(folder)
        elif "status.json" in files and _is_of_training(Path(folder)):
            yield Path(folder)
        for linked in map(Path(folder).joinpath, subfolders):
            try:
                if linked.is_symlink() and (linked / "config.yaml").is_file():
                    yield linked
            except OSError as error:
                add_unreadable(error)


def _is_of_training(folder: Path) -> bool:
    """Whether a training ended here before it recorded its configuration; True where the folder is closed."""
    try:
        return RunFolder(folder).state() != "unknown"
    except OSError:
        return True
