"""Put text of a run, whoever made it, into Markdown so that it stays text."""

import re

MARKUP = re.compile(r"(?i)[\\`*{}\[\]<>|#~$@!&]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.")
"""Characters that Markdown, or GitHub's bare links (GFM, section 6.9), would interpret; not _ within a word."""


def escape(value: object) -> str:
    """The text on one line, with no markup, no link and no end of a table's cell in it."""
    return MARKUP.sub(r"\\\g<0>", " ".join(str(value).split()))


def code_block(content: str, language: str) -> str:
    """A block of code that no line of it can end (CommonMark, section 4.5)."""
    longest = max((len(ticks) for ticks in re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{content}\n{fence}"
