"""Dashboards sent to a W&B project, or written as JSON."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.wandb import pages, server
from segexp.compare.wandb.library import workspaces
from segexp.compare.wandb.pages import Address
from segexp.system.files import write_atomic


def dashboard_title(pattern: str, split: str) -> str:
    """Name dashboards by the end of the path that the runs came from: later ones of the same path replace them."""
    place = " ".join(Path(pattern).expanduser().absolute().parts[-2:])
    return f"Comparison of {re.sub(r'[^A-Za-z0-9_.-]+', ' ', place).strip()} on {split}"  # it is part of an address


def save_dashboards(comparison: Comparison, address: Address, title: str) -> dict[str, str]:
    """Save a workspace and a report, in place of those of the same title, and return their URLs by these two words.

    Raises ValueError without an API key, OSError with W&B's own words if it cannot be reached or refuses.
    """
    url = server.reachable_url()
    view = pages.build_workspace(comparison, address, title)
    report = pages.build_report(comparison, address, title, of_project=address)

    def save() -> dict[str, str]:
        view._internal_id = _view_id(address, title)
        report.id = _report_id(address, report.title)
        return {"workspace": view.save().url, "report": report.save().url}

    return _with_one_line_error(save, f"W&B at {url} did not take the dashboards of {'/'.join(address)}")


def write_specifications(comparison: Comparison, address: Address, title: str, folder: Path) -> list[Path]:
    """Write workspace and report as workspace.json and report.json, without a server and without a key."""
    views = {
        "workspace": pages.build_workspace(comparison, address, title),
        "report": pages.build_report(comparison, address, title, of_project=None),
    }
    return [write_atomic(folder / f"{name}.json", json.dumps(specification(view))) for name, view in views.items()]


def specification(view: Any) -> dict[str, Any]:
    """The specification of a workspace or a report, as W&B stores it."""
    return view._to_model().spec.model_dump(by_alias=True, exclude_none=True, mode="json")


def _view_id(address: Address, title: str) -> str:
    """The id of the workspace that was saved under this title before; empty if there is none."""
    url = f"https://any/{address.entity}/{address.project}?nw={pages.view_key(title)}"
    try:
        return workspaces.Workspace.from_url(url)._internal_id
    except ValueError as error:
        if str(error).startswith("Workspace `"):  # not found
            return ""
        raise


def _report_id(address: Address, title: str) -> str:
    import wandb

    earlier = wandb.Api().reports("/".join(address))
    return next((report.id for report in earlier if report.display_name == title), "")


def _with_one_line_error(call: Callable[[], dict[str, str]], failure: str) -> dict[str, str]:
    try:
        return call()
    except Exception as error:  # W&B's clients raise errors of many kinds
        words = (str(error) or type(error).__name__).splitlines()[0]
        raise OSError(f"{failure}: {words}") from error
