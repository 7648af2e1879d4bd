"""The settings of an evaluation, checked before anything heavy is loaded."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from segexp.config.schema import Allowed, Count, DataValues, Device, Folder, Split, Text, WholeNumber, checked
from segexp.display.latex import TableFormat
from segexp.inference.settings import InferenceSettings
from segexp.types import Weights

FolderName = Annotated[
    str, Field(pattern=r"^[^./\\\x00][^/\\\x00]*$"), Allowed("the name of one folder: no path, and no dot first")
]


class EvaluateSettings(InferenceSettings):
    """Every key of conf/evaluate.yaml; those of the network's run are inherited."""

    run: Folder | None
    runs: Annotated[str, Field(pattern=r"\S"), Allowed("a folder of runs or a glob pattern in quotes")] | None
    split: Split
    checkpoint: Text
    weights: Weights | None
    name: FolderName | None
    overwrite: bool
    device: Device
    num_processes: Count
    num_scenes: WholeNumber
    predictions: bool
    benchmark: bool
    format: TableFormat
    regroup: Text | None
    metric: dict[str, dict[str, Any]]
    data: DataValues

    @model_validator(mode="after")
    def _one_run_or_many(self) -> Self:
        if self.run is None and self.runs is None:
            raise ValueError("nothing to evaluate; add run=RUN for one run, or runs=FOLDER for all below a folder")
        if self.run is not None and self.runs is not None:
            raise ValueError("run= evaluates one run, and runs= many; leave out one or the other")
        own = [key for key in ("predictions", "benchmark", "regroup") if getattr(self, key)]
        if self.runs is not None and own:
            raise ValueError(f"runs= takes no {', '.join(own)}, which are for one run; set run= in its place")
        if self.runs is not None and self.format != "text":
            raise ValueError(f"format={self.format} is for one run; python -m segexp.compare writes tables of many")
        return self

    @model_validator(mode="after")
    def _mean_iou_is_counted(self) -> Self:
        if "overlap" not in self.metric:
            raise ValueError(
                f"metric has {', '.join(self.metric) or 'nothing'}, and without overlap there is no mean IoU; add it, "
                "as metric=[default,mine] does"
            )
        return self

    @model_validator(mode="after")
    def _split_names_a_folder(self) -> Self:
        if self.name is None:
            checked(FolderName, "name", self.split)
        return self

    @property
    def evaluation_name(self) -> str:
        """The folder below the run's evaluation/; of another data set than the run's it has that one's name, too."""
        if self.name is not None:
            return self.name
        target = str(self.data.get("_target_", ""))
        return f"{self.split}_{target.rpartition('.')[2].lower()}" if target else self.split
