"""Comparison -> a workspace and a report of W&B, as objects of wandb-workspaces; nothing is sent."""

import hashlib
from typing import Any, NamedTuple

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.wandb import keys, panels
from segexp.compare.wandb.library import expr, reports, workspaces
from segexp.compare.wandb.verdict_markdown import verdict_markdown

MOST_LETTERS = 128
"""The length of a report's title that W&B takes."""


class Address(NamedTuple):
    """Where dashboards live in W&B."""

    entity: str
    project: str


def view_key(title: str) -> str:
    """The end of the workspace's address: the same for the same title, by which it is looked up again."""
    return hashlib.sha256(title.encode()).hexdigest()[:11]


def build_workspace(comparison: Comparison, address: Address, title: str) -> Any:
    """Build a saved view of the project. Raises ValueError if no run of the comparison was logged to W&B."""
    view = workspaces.Workspace(
        **address._asdict(),
        name=title,
        sections=[
            workspaces.Section(name=heading, panels=section_panels, is_open=True)
            for heading, section_panels in panels.sections(comparison).items()
        ],
        runset_settings=workspaces.RunsetSettings(
            filters=_filters(comparison),
            groupby=[expr.Config(key) for key in keys.group_keys(comparison)],
            pinned_columns=_columns(comparison),
        ),
    )
    view._internal_name = f"nw-{view_key(title)}-v"
    return view


def build_report(comparison: Comparison, address: Address, title: str, of_project: Address | None) -> Any:
    """Build a report: the verdict in words and as a table, then the panels.

    of_project: the project whose runs the panels show; None leaves it to W&B, as only the server knows a project's id.
    """
    blocks: list[Any] = [reports.MarkdownBlock(verdict_markdown(comparison))]
    for heading, section_panels in panels.sections(comparison).items():
        grid = reports.PanelGrid(runsets=[_runset(comparison, of_project)], panels=section_panels)
        blocks += [reports.H2(heading), grid]
    return reports.Report(**address._asdict(), title=title[:MOST_LETTERS], blocks=blocks, width="fluid")


def _runset(comparison: Comparison, of_project: Address | None) -> Any:
    return reports.Runset(
        **(of_project._asdict() if of_project else {}),
        name="runs compared",
        filters=_filters(comparison),
        groupby=[f"config.{key}" for key in keys.group_keys(comparison)],
        pinned_columns=_columns(comparison),
    )


def _filters(comparison: Comparison) -> Any:
    ids = keys.run_ids(comparison)
    if not ids:
        raise ValueError(
            "no run of this comparison was logged to W&B, so nothing can be shown; train with logger=wandb"
        )
    return expr.And(expr.Metric("State") == "finished", expr.Metric("ID").isin(ids))


def _columns(comparison: Comparison) -> list[str]:
    configured = [key.split(".", 1) for key in keys.group_keys(comparison)]
    settings = [".".join([f"config:{top}.value", *rest]) for top, *rest in configured]
    return ["run:displayName", f"summary:{keys.SCORE}", *settings]
