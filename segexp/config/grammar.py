"""Write values in the grammar of overrides that Hydra reads."""

import re

NO_TEXTS = ("null", "true", "false", "nan", "inf")
"""Words that Hydra reads as something else unless they are quoted."""


def quote(value: str) -> str:
    """Quote a text so that Hydra reads the same text, and not a number or null."""
    if re.fullmatch(r"[A-Za-z/][\w/.@:+-]*", value, re.ASCII) and value.lower() not in NO_TEXTS:
        return value
    return "'" + re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), value) + "'"
