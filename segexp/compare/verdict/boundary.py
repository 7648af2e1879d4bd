"""Boundary scores are comparable only at the same boundary width."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from segexp.compare.verdict.evaluated_run import Run

BOUNDARY = "boundary_"


def name_boundary_widths(runs: Sequence[Run]) -> list[Run]:
    """Add the width to the name of every boundary score where widths differ, so that no two of them share a name."""
    widths = {_width(run) for run in runs if any(map(_is_boundary_score, _metrics(run)))}
    if len(widths) < 2:
        return list(runs)
    return [replace(run, facts={**run.facts, "metrics": _with_width(run)}) for run in runs]


def _with_width(run: Run) -> dict[str, Any]:
    return {
        f"{name} at width {_width(run)}" if _is_boundary_score(name) else name: value
        for name, value in _metrics(run).items()
    }


def _is_boundary_score(name: str) -> bool:
    return name.startswith(BOUNDARY)


def _width(run: Run) -> str:
    return str(run.facts.get("boundary_width", "unknown"))


def _metrics(run: Run) -> dict[str, Any]:
    return run.facts.get("metrics", {})
