"""Runs that could not be compared, in few lines however many there are."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

SkippedRuns = list[tuple[Path, str]]
"""Path and reason of each run; a reason is `kind: detail`."""
NOT_EVALUATED = "not evaluated on"
"""How the reason of a run begins that an evaluation makes comparable."""


def skipped_run_lines(skipped: Sequence[tuple[Path, str]], num_examples: int = 3) -> list[str]:
    """The number of runs for each kind of reason, and the first few of each kind in full, each on one line."""
    kinds: dict[str, SkippedRuns] = defaultdict(list)
    for path, text in skipped:
        reason = " ".join(text.split())  # the error of a failed training may have many lines
        kinds[reason.split(": ")[0]].append((path, reason))
    lines = [f"left out: {len(skipped)} run{'s'[: len(skipped) > 1]}"] if skipped else []
    for kind, members in sorted(kinds.items(), key=lambda each: -len(each[1])):
        examples = members[: num_examples if len(members) > num_examples + 1 else None]
        cure = "; evaluate=true evaluates them first" if kind.startswith(NOT_EVALUATED) else ""
        lines.append(f"  {len(members)} run{'s'[: len(members) > 1]} {kind}{cure}")
        lines += [f"    {path}{reason.removeprefix(kind)}" for path, reason in examples]
        lines += [f"    and {len(members) - len(examples)} more"] if len(examples) < len(members) else []
    return lines
