"""Write a whole file or nothing."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes | str) -> Path:
    """To a temporary name beside it, then renamed. Raises OSError naming the file and the cure."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content.encode() if isinstance(content, str) else content)
        return aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise OSError(f"could not write {path}: {error}; free some space or choose another folder") from error
