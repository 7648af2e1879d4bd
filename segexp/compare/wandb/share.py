"""What segexp.compare does in W&B, by its keys wandb, dry_run and sync."""

from collections.abc import Iterator
from pathlib import Path

from segexp.compare.settings import CompareSettings
from segexp.compare.verdict.comparison import Comparison
from segexp.compare.wandb import keys
from segexp.compare.wandb.sync import offline_run, send_offline_runs
from segexp.run.search import run_folders


def share(comparison: Comparison | None, settings: CompareSettings, pattern: str) -> Iterator[str]:
    """Send runs that were recorded offline, then the dashboards; yield what was done as lines to print.

    comparison: None where no run can be compared: all that were recorded offline can be sent nevertheless.
    pattern: where the runs came from, which names the dashboards.
    settings.dry_run: write the dashboards into settings.folder, or without one below outputs/comparisons/.
    Raises ValueError without an API key, OSError where W&B cannot be reached or refuses.
    """
    entity, _, name = (settings.wandb or "").partition("/")
    project = (entity, name) if settings.wandb else None
    if settings.sync:
        yield f"synced      {send_offline_runs(run_folders(pattern), project)}"
    if project and comparison:
        yield from _dashboards(comparison, pattern, project, settings)


def _dashboards(
    comparison: Comparison, pattern: str, project: tuple[str, str], settings: CompareSettings
) -> Iterator[str]:
    from segexp.compare.wandb import publish
    from segexp.compare.wandb.pages import Address

    address, title = Address(*project), publish.dashboard_title(pattern, comparison.split)
    if settings.dry_run:
        folder = settings.folder or Path("outputs/comparisons", Path(pattern).name)
        yield from (f"not sent    {path}" for path in publish.write_specifications(comparison, address, title, folder))
        return
    yield from (f"W&B {name:<9} {url}" for name, url in publish.save_dashboards(comparison, address, title).items())
    num_unsent = sum(bool(offline_run(run.path).unsent) for run in keys.all_runs(comparison))
    if num_unsent:
        yield f"note        {num_unsent} of these runs are recorded offline and not sent yet: add sync=true"
