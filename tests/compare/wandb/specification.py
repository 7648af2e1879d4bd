"""What a workspace or a report asks W&B to show."""

from collections.abc import Iterator
from typing import Any


def panels(workspace: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for section in workspace["section"]["panelBankConfig"]["sections"] for panel in section["panels"]]


def view_types(workspace: dict[str, Any]) -> set[str]:
    return {panel["viewType"] for panel in panels(workspace)}


def scores(workspace: dict[str, Any]) -> set[str]:
    """Every key that a run must have logged for the panels to show something, axes and pictures too."""
    return {key for panel in panels(workspace) for key in _scores(panel["config"])}


def _scores(config: dict[str, Any]) -> Iterator[str]:
    yield from config.get("metrics", [])
    yield from config.get("mediaKeys", [])
    yield from (config[key] for key in ("xAxis", "targetKey") if key in config)
    accessors = [column["accessor"] for column in config.get("columns", [])]
    yield from (each.removeprefix("summary:") for each in accessors if each.startswith("summary:"))


def settings(workspace: dict[str, Any]) -> set[str]:
    """Every key of a run's configuration, as dotted path, that grouping, columns or panels name."""
    runset = workspace["section"]["runSets"][0]
    columns = [*runset["runFeed"]["columnOrder"], *_accessors(workspace)]
    named = [each.removeprefix("config:") for each in columns if each.startswith("config:")]
    groups = [panel["config"]["groupBy"] for panel in panels(workspace) if "groupBy" in panel["config"]]
    grouping = [key["name"] for key in runset["grouping"] if key["section"] == "config"]
    return {".".join(part for part in key.split(".") if part != "value") for key in [*named, *groups, *grouping]}


def _accessors(workspace: dict[str, Any]) -> list[str]:
    return [column["accessor"] for panel in panels(workspace) for column in panel["config"].get("columns", [])]
