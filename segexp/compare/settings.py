"""The settings of a comparison; a wrong one is refused before anything heavy is loaded."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from segexp.config.schema import Allowed, Settings
from segexp.display.latex import TableFormat


def _number_as_text(value: Any) -> Any:
    return str(value) if type(value) in (int, float) else value


Text = Annotated[str, Field(pattern=r"\S"), BeforeValidator(_number_as_text)]
"""Folders, evaluations and options may be named by a number, such as 2024 or 0.1."""
Project = Annotated[
    Text,
    Field(pattern=r"^[^/\\#?%:\s]+/[^/\\#?%:\s]+$"),
    Allowed("ENTITY/PROJECT, the user or team and the project in W&B"),
]


class CompareSettings(Settings):
    """Everything in conf/compare.yaml: either many runs below a folder, or the two single runs a and b."""

    runs: Annotated[Text, Allowed("a folder of runs or a glob pattern in quotes")] | None
    a: Annotated[Text, Allowed("a run folder or one of its evaluations, RUN/evaluation/NAME")] | None
    b: Annotated[Text, Allowed("a run folder or one of its evaluations, RUN/evaluation/NAME")] | None
    split: Annotated[Text, Allowed("the name of an evaluation, such as val")]
    score: Annotated[Text, Allowed("a score of the evaluations, such as miou, boundary_miou or iou/person")]
    baseline: Annotated[Text, Allowed("an option that one variant alone has, or a part of its name")] | None
    mix_precisions: bool
    evaluate: bool
    by: Annotated[Literal["epoch"], Allowed("epoch, which shows the ranking as it develops")] | None
    output: Annotated[Text, Allowed("a folder for the report")] | None
    format: TableFormat
    wandb: Project | None
    dry_run: bool
    sync: bool

    @property
    def folder(self) -> Path | None:
        """Where the report of the comparison goes; None for the terminal only."""
        return None if self.output is None else Path(self.output)

    @model_validator(mode="after")
    def _many_runs_or_two(self) -> Self:
        if self.runs is None and self.a is None and self.b is None:
            raise ValueError("nothing to compare; add runs=FOLDER for many runs, or a=RUN b=RUN for two")
        if self.runs is not None and (self.a is not None or self.b is not None):
            raise ValueError("runs= compares many runs, and a= b= compare two; leave out one or the other")
        if self.runs is None and (self.a is None or self.b is None):
            missing, given = ("a", "b") if self.a is None else ("b", "a")
            raise ValueError(f"{given}= is one run, and a comparison needs two; add {missing}=RUN")
        return self

    @model_validator(mode="after")
    def _two_runs_have_no_variants(self) -> Self:
        if self.runs is not None:
            return self
        if self.by is not None:
            raise ValueError("by=epoch ranks many runs; add runs=FOLDER in place of a= and b=")
        if self.baseline is not None:
            raise ValueError("baseline= is for many runs; of two, b is compared with a; leave it out")
        if self.evaluate:
            raise ValueError("evaluate=true is for many runs; python -m segexp.evaluate run=RUN evaluates one")
        if self.wandb or self.dry_run or self.sync:
            raise ValueError("wandb=, dry_run= and sync= are for many runs; add runs=FOLDER in place of a= and b=")
        return self

    @model_validator(mode="after")
    def _a_dry_run_writes_dashboards(self) -> Self:
        if self.dry_run and self.wandb is None:
            raise ValueError("dry_run=true writes the dashboards of a W&B project as files; add wandb=ENTITY/PROJECT")
        if self.dry_run and self.sync:
            raise ValueError("dry_run=true sends nothing, and sync=true sends runs; leave one of them out")
        return self
