"""Runs that could not be compared, said in few lines however many there are."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

LeftOut = list[tuple[Path, str]]
"""Path and reason of each run that was left out; a reason is `kind: detail`."""


def left_out_lines(left_out: Sequence[tuple[Path, str]], num_examples: int = 3) -> list[str]:
    """How many for each kind of reason, and the first few of each in full, each on one line."""
    kinds: dict[str, LeftOut] = defaultdict(list)
    for path, words in left_out:
        reason = " ".join(words.split())  # of a training that failed, whatever its error said
        kinds[reason.split(": ")[0]].append((path, reason))
    lines = [f"left out: {len(left_out)} run{'s'[: len(left_out) > 1]}"] if left_out else []
    for kind, members in sorted(kinds.items(), key=lambda each: -len(each[1])):
        shown = members[: num_examples if len(members) > num_examples + 1 else None]
        lines.append(f"  {len(members)} x {kind}")
        lines += [f"    {path}{reason.removeprefix(kind)}" for path, reason in shown]
        lines += [f"    and {len(members) - len(shown)} more"] if len(shown) < len(members) else []
    return lines
