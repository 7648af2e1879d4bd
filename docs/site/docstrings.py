"""Turns the docstrings of segexp, plain text that describes arguments as "name: meaning", into Markdown."""

import re
from collections.abc import Iterator
from typing import Any

import griffe

LINE_LENGTH = 120
STARTS = re.compile(r"[a-z_]\w*(, [a-z_]\w*)*: |(Returns|Raises|Source|Different)\b")
"""What begins a paragraph where it begins a line after the end of a sentence."""
DESCRIBED = re.compile(r"(?P<names>[a-z_]\w*(?:, [a-z_]\w*)*): (?P<meaning>.*)")
CODE = re.compile(r"(`[^`]+`)")


class Lists(griffe.Extension):
    """Make an entry of a list of every described name, and paragraphs of what begins a line on purpose."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            depth = obj.path.count(".") - obj.module.path.count(".")
            obj.docstring.value = as_markdown(obj.docstring.value, _names(obj), LINE_LENGTH - 4 * depth)


def as_markdown(text: str, names: set[str], width: int) -> str:
    """names: what the object takes or holds, recognised after a sentence, too. width: of a full line of the text."""
    blocks = [part for block in _blocks(text, width) for part in _split(block, names)]
    return "\n\n".join(
        f"- **{_escaped(found['names'])}**: {_escaped(found['meaning'])}"
        if (found := DESCRIBED.fullmatch(block))
        else _escaped(block)
        for block in blocks
    )


def _blocks(text: str, width: int) -> Iterator[str]:
    """Yield paragraphs and entries of lists, each as one line."""
    block: list[str] = []
    for line in text.splitlines():
        if block and (not line.strip() or _begins_block(line, block[-1], width)):
            yield " ".join(map(str.strip, block))
            block = []
        if line.strip():
            block.append(line)
    yield " ".join(map(str.strip, block))


def _begins_block(line: str, before: str, width: int) -> bool:
    """A sentence that ends although the next word had space in its line ends a paragraph."""
    had_space = len(before) + 1 + len(line.split()[0]) <= width
    return line.startswith("- ") or (before.endswith(".") and bool(had_space or STARTS.match(line)))


def _split(block: str, names: set[str]) -> list[str]:
    name = f"(?:{'|'.join(sorted(names)) or 'Source'})"
    return re.split(rf"(?<=\.) (?={name}(?:, {name})*: |Source: |Returns |Raises )", block)


def _names(obj: griffe.Object) -> set[str]:
    if isinstance(obj, griffe.Function):
        return {parameter.name for parameter in obj.parameters}
    if isinstance(obj, griffe.Class):
        return {*obj.attributes, *(parameter.name for parameter in obj.parameters)}
    return set()


def _escaped(text: str) -> str:
    """Keep what is no Markdown here from being taken for it: [B, C, H, W], 2 * x * y, <name>."""
    return "".join(
        part if part.startswith("`") else re.sub(r"([*_\[\]])", r"\\\1", part).replace("<", "&lt;")
        for part in CODE.split(text)
    )
