"""What segexp.compare does in W&B, by its keys wandb, dry_run and sync."""

import re
from collections.abc import Iterator
from pathlib import Path

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.runs import run_folders
from segexp.compare.wandb import keys
from segexp.compare.wandb.sync import offline, sync


def share(
    comparison: Comparison | None, pattern: str, wandb: str | None, dry_run: bool, with_sync: bool, folder: Path | None
) -> Iterator[str]:
    """Send runs that were recorded offline, then the dashboards; yields what was done as lines to print.

    comparison: None where no run can be compared: all that were recorded offline can be sent nevertheless.
    pattern: where the runs came from, which names the dashboards. wandb: ENTITY/PROJECT; None for no dashboards.
    dry_run: write them to `folder` instead; None: below outputs/comparisons/.
    Raises ValueError for what cannot be done as it was typed, OSError for what went wrong on the way.
    """
    project = project_of(wandb, dry_run, with_sync)
    if with_sync:
        yield f"synced      {sync(run_folders(pattern), project)}"
    if project and comparison:
        yield from _dashboards(comparison, pattern, project, dry_run, folder)


def project_of(wandb: str | None, dry_run: bool, with_sync: bool) -> tuple[str, str] | None:
    """Entity and project; see `share`. Raises ValueError for what cannot be done as it was typed."""
    if dry_run and not wandb:
        raise ValueError("dry_run=true writes the dashboards of a W&B project as files: add wandb=ENTITY/PROJECT")
    if dry_run and with_sync:
        raise ValueError("dry_run=true sends nothing and sync=true sends runs: leave one of them out")
    return _project(wandb) if wandb else None


def _dashboards(
    comparison: Comparison, pattern: str, project: tuple[str, str], dry_run: bool, folder: Path | None
) -> Iterator[str]:
    from segexp.compare.wandb import publish
    from segexp.compare.wandb.pages import Address

    address, named = Address(*project), publish.title(pattern, comparison.split)
    if dry_run:
        place = folder or Path("outputs/comparisons", Path(pattern).name)
        yield from (f"not sent    {path}" for path in publish.write(comparison, address, named, place))
        return
    yield from (f"W&B {name:<9} {url}" for name, url in publish.publish(comparison, address, named).items())
    num_waiting = sum(bool(offline(run.path).unsent) for run in keys.runs(comparison))
    if num_waiting:
        yield f"note        {num_waiting} of these runs are recorded offline and not sent yet: add sync=true"


def _project(text: str) -> tuple[str, str]:
    if not re.fullmatch(r"[^/\\#?%:\s]+/[^/\\#?%:\s]+", str(text)):
        raise ValueError(f"wandb is {text!r}; needed is ENTITY/PROJECT, the user or team and the project in W&B")
    entity, project = str(text).split("/")
    return entity, project
