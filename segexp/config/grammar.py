"""The grammar of overrides that Hydra reads, written."""

import re

NO_TEXTS = ("null", "true", "false", "nan", "inf")
"""Words that Hydra reads as something else unless they are quoted."""


def quoted(value: str) -> str:
    """A text as Hydra's grammar wants it, so that it comes out as the same text, no number and no null."""
    if re.fullmatch(r"[A-Za-z/][\w/.@:+-]*", value, re.ASCII) and value.lower() not in NO_TEXTS:
        return value
    return "'" + re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), value) + "'"
