"""Paths as they are typed in the folder where the comparison is made."""

import os
import re
from collections.abc import Iterable
from pathlib import Path


def relative(text: object) -> str:
    """The text without the current folder in front of each path below it."""
    folder = str(Path.cwd()).rstrip("/")
    return re.sub(rf"(?<![\w/.-]){re.escape(folder)}/(?=[^\s/])", "", str(text)) if folder else str(text)


def common_folder(paths: Iterable[Path]) -> Path:
    """The innermost folder that all of these lie in."""
    return Path(os.path.commonpath([path.parent for path in paths]))
