"""The head of a report: what was compared on what, when, and the best mean beside the baseline's."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from segexp.compare.report.provenance import baseline_run
from segexp.compare.verdict.comparison import Comparison, Row
from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.format import score, score_name, signed

MOST_NAMES = 3
FOLDER = "folder"
"""The option of data sets that have no name but that of their folder."""


class Head(NamedTuple):
    """title: such as `Loss comparison, CamVid val, 3 seeds`. facts: a word and its value, in the order of the page."""

    title: str
    facts: list[tuple[str, str]]


def head(comparison: Comparison, heading: str) -> Head:
    """heading: what the variants are, such as loss; see `with_short_names`."""
    num_seeds = _range([len(row.seeds) for row in comparison.rows])
    data_set = f"{_data_set(baseline_run(comparison))} {comparison.split}".strip()
    by = "" if comparison.score == "miou" else f" by {score_name(comparison.score)}"
    seeds = "seed" if num_seeds == "1" else "seeds"
    return Head(f"{_subject(comparison, heading)}{by}, {data_set}, {num_seeds} {seeds}", _facts(comparison, data_set))


def _subject(comparison: Comparison, heading: str) -> str:
    if heading == "variant":
        return f"Comparison of {len(comparison.rows)} variant{'s'[: len(comparison.rows) > 1]}"
    return f"{heading if '.' in heading else heading.capitalize()} comparison"


def _facts(comparison: Comparison, data_set: str) -> list[tuple[str, str]]:
    runs = [run for runs in comparison.variants.values() for run in runs.values()]
    first, name = baseline_run(comparison), score_name(comparison.score)
    baseline, *others = comparison.rows
    facts = [(f"best {name}", _best(others[0]))] if others else []
    return [
        *facts,
        (f"baseline {name}", f"{score(baseline.mean)} {baseline.name}"),
        ("data", f"{data_set}, {len(first.image_names)} images, {len(first.class_names)} classes"),
        ("image size", _image_size(first)),
        ("network", _names(run.choices.get("model") for run in runs)),
        ("runs", f"{len(runs)} ({len(comparison.rows)} variant{'s'[: len(comparison.rows) > 1]})"),
        ("last run finished", max(run.finished for run in runs)[:10] or "unknown"),
    ]


def _best(row: Row) -> str:
    """The best of the variants beside the baseline, whose mean may be the better one."""
    difference = f" ({signed(row.difference.value)}, {row.verdict.partition(':')[0]})" if row.difference else ""
    return f"{score(row.mean)} {row.name}{difference}"


def _data_set(run: Run) -> str:
    """As its class is called, CamVid, or the name of a folder of any images and masks; else the option."""
    option = run.choices.get("data") or ""
    root, kind = run.settings.get("data.root"), run.settings.get("data._target_")
    if option == FOLDER and isinstance(root, str):
        return Path(root).name
    return kind.rpartition(".")[2] if isinstance(kind, str) else option


def _image_size(run: Run) -> str:
    size = run.facts.get("image_size")
    return f"{size[0]} × {size[1]}, height × width" if size else "as stored"


def _names(names: Iterable[str | None]) -> str:
    known = [name for name in dict.fromkeys(names) if name]
    more = [f"and {len(known) - MOST_NAMES} more"] if len(known) > MOST_NAMES else []
    return ", ".join([*known[:MOST_NAMES], *more]) or "unknown"


def _range(numbers: list[int]) -> str:
    return f"{min(numbers)}" if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)}"
