"""The examples of docs/extending.md as the files that a reader makes of them."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/extending.md"
MOST_LINES = 20


def write_example(heading: str, folder: Path) -> None:
    """Write the blocks of a section into a folder; the first line of each is a comment that names its file."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"{PAGE} has no section {heading}"
    blocks = re.findall(r"^```(?:yaml|python)\n# (\S+)\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    assert blocks, f"no block of section {heading} names its file"
    assert sum(bool(line.strip()) for _, block in blocks for line in block.splitlines()) <= MOST_LINES
    for name, block in blocks:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(block)
