"""Comparison -> a workspace and a report of W&B, as objects of wandb-workspaces. Nothing is sent."""

import hashlib
from typing import Any, NamedTuple

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.wandb import keys, markdown, panels
from segexp.compare.wandb.library import expr, reports, workspaces

MOST_LETTERS = 128
"""Of the title of a report."""


class Address(NamedTuple):
    """Where dashboards live in W&B."""

    entity: str
    project: str


def view_key(title: str) -> str:
    """What the address of the workspace ends with: the same for the same title, so that it is found again."""
    return hashlib.sha256(title.encode()).hexdigest()[:11]


def workspace(comparison: Comparison, address: Address, title: str) -> Any:
    """A saved view of the project. Raises ValueError if no run of the comparison was logged to W&B."""
    view = workspaces.Workspace(
        **address._asdict(),
        name=title,
        sections=[
            workspaces.Section(name=heading, panels=shown, is_open=True)
            for heading, shown in panels.sections(comparison).items()
        ],
        runset_settings=workspaces.RunsetSettings(
            filters=_filters(comparison),
            groupby=[expr.Config(key) for key in keys.grouping(comparison)],
            pinned_columns=_columns(comparison),
        ),
    )
    view._internal_name = f"nw-{view_key(title)}-v"
    return view


def report(comparison: Comparison, address: Address, title: str, of_project: Address | None) -> Any:
    """The verdict in words and as a table, then the panels.

    of_project: whose runs the panels show; None leaves it to W&B, as the id of a project is the server's to tell.
    """
    blocks: list[Any] = [reports.MarkdownBlock(markdown.verdict(comparison))]
    for heading, shown in panels.sections(comparison).items():
        grid = reports.PanelGrid(runsets=[_runset(comparison, of_project)], panels=shown)
        blocks += [reports.H2(heading), grid]
    return reports.Report(**address._asdict(), title=title[:MOST_LETTERS], blocks=blocks, width="fluid")


def _runset(comparison: Comparison, of_project: Address | None) -> Any:
    return reports.Runset(
        **(of_project._asdict() if of_project else {}),
        name="runs compared",
        filters=_filters(comparison),
        groupby=[f"config.{key}" for key in keys.grouping(comparison)],
        pinned_columns=_columns(comparison),
    )


def _filters(comparison: Comparison) -> Any:
    ids = keys.run_ids(comparison)
    if not ids:
        raise ValueError("no run of this comparison was logged to W&B, so there is nothing to show: use logger=wandb")
    return expr.And(expr.Metric("State") == "finished", expr.Metric("ID").isin(ids))


def _columns(comparison: Comparison) -> list[str]:
    configured = [key.split(".", 1) for key in keys.grouping(comparison)]
    settings = [".".join([f"config:{top}.value", *rest]) for top, *rest in configured]
    return ["run:displayName", f"summary:{keys.SCORE}", *settings]
