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


def title(pattern: str, split: str) -> str:
    """Names the dashboards by the end of the path that the runs came from, so that the next ones of it replace them."""
    place = " ".join(Path(pattern).expanduser().absolute().parts[-2:])
    return f"Comparison of {re.sub(r'[^A-Za-z0-9_.-]+', ' ', place).strip()} on {split}"  # it is part of an address


def publish(comparison: Comparison, address: Address, named: str) -> dict[str, str]:
    """Save workspace and report, in place of those of the same title, and return what was saved -> its URL.

    Raises ValueError without an API key, OSError with W&B's own words if it cannot be reached or refuses.
    """
    url = server.ready()
    view = pages.workspace(comparison, address, named)
    report = pages.report(comparison, address, named, of_project=address)

    def save() -> dict[str, str]:
        view._internal_id = _view_id(address, named)
        report.id = _report_id(address, report.title)
        return {"workspace": view.save().url, "report": report.save().url}

    return _in_one_line(save, f"W&B at {url} did not take the dashboards of {'/'.join(address)}")


def write(comparison: Comparison, address: Address, named: str, folder: Path) -> list[Path]:
    """What would be sent, as workspace.json and report.json. Needs no server and no key."""
    views = {
        "workspace": pages.workspace(comparison, address, named),
        "report": pages.report(comparison, address, named, of_project=None),
    }
    return [write_atomic(folder / f"{name}.json", json.dumps(specification(view))) for name, view in views.items()]


def specification(view: Any) -> dict[str, Any]:
    """What W&B stores of a workspace or a report."""
    return view._to_model().spec.model_dump(by_alias=True, exclude_none=True, mode="json")


def _view_id(address: Address, named: str) -> str:
    """Of the workspace that was saved under this title before, empty if there is none."""
    url = f"https://any/{address.entity}/{address.project}?nw={pages.view_key(named)}"
    try:
        return workspaces.Workspace.from_url(url)._internal_id
    except ValueError as error:
        if str(error).startswith("Workspace `"):  # not found
            return ""
        raise


def _report_id(address: Address, named: str) -> str:
    import wandb

    earlier = wandb.Api().reports("/".join(address))
    return next((report.id for report in earlier if report.display_name == named), "")


def _in_one_line(call: Callable[[], dict[str, str]], failure: str) -> dict[str, str]:
    try:
        return call()
    except Exception as error:  # W&B's clients raise errors of many kinds
        words = (str(error) or type(error).__name__).splitlines()[0]
        raise OSError(f"{failure}: {words}") from error
