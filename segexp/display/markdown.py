"""Text of a run, whoever made it, inside Markdown: it stays text."""

import re

MARKUP = re.compile(r"(?i)[\\`*{}\[\]<>|#~$@!&]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.")
"""What Markdown, or GitHub with its bare links (GFM, section 6.9), could take for its own; _ within a word is not."""


def plain(value: object) -> str:
    """On one line, with no markup, no link and no end of a table's cell in it."""
    return MARKUP.sub(r"\\\g<0>", " ".join(str(value).split()))


def fenced(content: str, language: str) -> str:
    """A block of code that no line of it can end (CommonMark, section 4.5)."""
    longest = max((len(ticks) for ticks in re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{content}\n{fence}"
