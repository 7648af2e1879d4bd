"""What identifies the way in which a source reads masks: targets that were read in another way must not be used."""

import hashlib
import re
import sys
from pathlib import Path

from segexp.data.pairs import Source


def source_version(source: Source) -> str:
    """Hash of the file that defines the class of a source, and of the values that the source holds.

    It changes when the file is edited or the source gets other arguments, and is the same in every process. It does not
    change with what that file imports. Raises OSError if the file cannot be read.
    """
    file = getattr(sys.modules[type(source).__module__], "__file__", None)  # none in a notebook
    code = Path(file).read_bytes() if file else b""
    values = getattr(source, "__dict__", {"": source})  # a named tuple has none
    text = "".join(f"{name}={_text(value)}\n" for name, value in sorted(values.items()))
    return hashlib.sha256(f"{type(source).__qualname__}\n{text}".encode() + code).hexdigest()


def _text(value: object) -> str:
    """Text that is the same in every process: a set has its own order in each, and an object its own address."""
    ordered = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
    return re.sub(r" at 0x[0-9a-f]+", "", repr(ordered))
