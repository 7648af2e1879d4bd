"""The settings of an export, checked before anything heavy is loaded."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from segexp.config.schema import Allowed, Count, DataValues, Folder, Settings, Size, Split, Text
from segexp.system.remote import is_url
from segexp.types import Weights

Format = Literal["onnx", "torch_export"]
FORMATS: tuple[str, ...] = get_args(Format)
Input = Literal["uint8", "float32", "normalised"]
Result = Literal["logits", "class_ids"]
Tolerance = Annotated[
    float, Field(gt=0, lt=1), Allowed("a fraction of the largest logit, a number between 0 and 1 such as 1e-4")
]


class ExportSettings(Settings):
    """Every key of conf/export.yaml."""

    run: Folder
    format: Format
    checkpoint: Text
    weights: Weights | None
    output: Folder | None
    overwrite: bool
    input: Input
    result: Result
    fixed_size: Size | None
    opset: Count | None
    tolerance: Tolerance
    quantise: Literal["int8"] | None
    num_calibration_images: Count
    split: Split
    data: DataValues

    @model_validator(mode="after")
    def _onnx_is_quantised(self) -> Self:
        if self.quantise and self.format != "onnx":
            raise ValueError(
                f"quantise is {self.quantise!r} and format is {self.format!r}; onnxruntime quantises ONNX files only: "
                "set format=onnx, or leave out quantise="
            )
        return self

    @model_validator(mode="after")
    def _logits_are_quantised(self) -> Self:
        if self.quantise and self.result != "logits":
            raise ValueError(
                f"quantise is {self.quantise!r} and result is {self.result!r}; allowed: result=logits, by which both "
                "files are scored at the size of the masks; leave out result= or quantise="
            )
        return self

    @model_validator(mode="after")
    def _onnx_has_an_opset(self) -> Self:
        if self.opset and self.format != "onnx":
            raise ValueError(
                f"opset is {self.opset} and format is {self.format!r}; opsets are versions of ONNX: set format=onnx, "
                "or leave out opset="
            )
        return self

    @model_validator(mode="after")
    def _is_written_to_this_machine(self) -> Self:
        if self.output is None and is_url(self.run):
            raise ValueError(f"run is the URL {self.run}, to which nothing is written; add output=FOLDER")
        if self.output is not None and is_url(self.output):
            raise ValueError(
                f"output is {self.output!r}; allowed: a folder of this machine; export there, then copy the folder"
            )
        return self
