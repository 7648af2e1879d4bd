"""The settings of python -m segexp.runs."""

from typing import Annotated, Literal

from pydantic import Field

from segexp.config.schema import Allowed, Settings


class RunsSettings(Settings):
    """Everything in conf/runs.yaml."""

    folder: Annotated[str, Field(pattern=r"\S"), Allowed("a folder of runs or a glob pattern in quotes")]
    state: Literal["running", "finished", "preempted", "failed", "killed"] | None
