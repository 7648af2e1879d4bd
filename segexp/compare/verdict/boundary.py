"""Boundary scores are comparable at one width alone."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from segexp.compare.verdict.evaluated import Run

BOUNDARY = "boundary_"


def told_by_width(runs: Sequence[Run]) -> list[Run]:
    """The runs, each boundary score named with its width where widths differ, so that no two of them share a name."""
    widths = {_width(run) for run in runs if any(map(_is_of_boundary, _metrics(run)))}
    if len(widths) < 2:
        return list(runs)
    return [replace(run, facts={**run.facts, "metrics": _named(run)}) for run in runs]


def _named(run: Run) -> dict[str, Any]:
    return {
        f"{name} at width {_width(run)}" if _is_of_boundary(name) else name: value
        for name, value in _metrics(run).items()
    }


def _is_of_boundary(name: str) -> bool:
    return name.startswith(BOUNDARY)


def _width(run: Run) -> str:
    return str(run.facts.get("boundary_width", "unknown"))


def _metrics(run: Run) -> dict[str, Any]:
    return run.facts.get("metrics", {})
