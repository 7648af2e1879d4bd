"""The options that a run was started with, for loggers whose runs are grouped by them."""

import json
from contextlib import suppress
from pathlib import Path


def run_choices(folder: Path) -> dict[str, str]:
    """Config group -> option that the run was started with, from environment.json; {} if that does not say."""
    with suppress(OSError, ValueError):
        return json.loads((folder / "environment.json").read_text()).get("choices", {})
    return {}
