"""python -m segexp.runs: every run below a folder, newest first: state, epoch, best val mIoU, age, options."""

from segexp.config.command_line import entry_point
from segexp.types import Values

LOG_COLUMNS = 200
"""Of a list that is written to a file or a pipe."""


@entry_point("runs")
def main(values: Values) -> None:
    from rich.console import Console

    from segexp.run.search import find_runs
    from segexp.runs.run_row import run_row
    from segexp.runs.settings import RunsSettings
    from segexp.runs.table import table

    settings = RunsSettings.of(values)
    folders, unreadable = find_runs(settings.folder, key="folder")
    rows = [run_row(folder) for folder in folders]
    shown = [row for row in rows if settings.state in (None, row.state)]
    console = Console()
    if not console.is_terminal:
        console.width = LOG_COLUMNS
    if shown:
        console.print(table(sorted(shown, key=lambda row: row.age_seconds)))
    print(f"{len(shown)} of {len(rows)} runs below {settings.folder}")
    for folder, reason in unreadable:
        print(f"{folder} {reason}")


if __name__ == "__main__":
    main()
