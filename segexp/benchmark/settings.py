"""Settings of python -m segexp.benchmark: one nested class for each suite."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from segexp.config.schema import (
    Allowed,
    Count,
    Device,
    Folder,
    NotNegative,
    Positive,
    Settings,
    Size,
    Text,
    Tuple,
    WholeNumber,
    shown,
)
from segexp.types import SMALLEST_SIDE, MemoryFormat, Precision, Values

Suite = Literal["input", "losses", "models", "startup", "step", "baseline"]
SUITES: tuple[str, ...] = get_args(Suite)
"""In the order in which they run."""
BASELINE = "baseline"
"""The suite that needs a further folder, for which reason it runs only if it is named."""
BaselinePart = Literal["start", "train", "predict"]
Backend = Literal["eager", "compiled", "onnxruntime"]
BACKENDS: tuple[str, ...] = get_args(Backend)
SETTLED_EPOCHS = 2
"""Epochs of reading after which memory should not grow any more."""


def _as_suites(value: Any) -> Any:
    if value is None:
        return tuple(name for name in SUITES if name != BASELINE)
    return tuple(dict.fromkeys(map(str, value))) if isinstance(value, list) else (value,)


Suites = Annotated[
    tuple[Suite, ...],
    Field(min_length=1),
    BeforeValidator(_as_suites),
    Allowed(f"{', '.join(SUITES)}, several with commas between, null for all but {BASELINE}"),
]
Shape = Annotated[tuple[Count, Count, Count, Count], Tuple]
Shapes = Annotated[
    list[Shape],
    Field(min_length=1),
    Allowed(
        "a list of one or more [batch, classes, height, width], each at least 1, such as losses.shapes=[[1,3,32,32]]"
    ),
]
Scales = Annotated[
    list[Positive], Field(min_length=1), Allowed("a list of one or more numbers above 0, such as losses.scales=[1,20]")
]
Sizes = Annotated[
    list[Size],
    Field(min_length=1),
    Allowed(f"a list of one or more [height, width], each at least {SMALLEST_SIDE}, such as models.sizes=[[512,1024]]"),
]
Batches = Annotated[
    list[Count],
    Field(min_length=1),
    Allowed("a list of one or more whole numbers of at least 1, such as models.batches=[1,8]"),
]
Precisions = Annotated[
    list[Precision],
    Field(min_length=1),
    Allowed(f"a list of one or more of {', '.join(get_args(Precision))}, such as models.precisions=[float32]"),
]
Backends = Annotated[
    list[Backend],
    Field(min_length=1),
    Allowed(f"a list of one or more of {', '.join(BACKENDS)}, such as models.backends=[eager]"),
]
Caches = Annotated[
    list[Literal["memory", "disk"]], Allowed("a list of any of memory, disk, such as input.caches=[disk]")
]
LimitSeconds = Annotated[float | None, Field(gt=0), Allowed("a number of seconds above 0, or null for no limit")]


class LossesSettings(Settings):
    """Settings of the suite losses."""

    shapes: Shapes
    scales: Scales
    options: list[Text] | None
    rounds: Count


class ModelsSettings(Settings):
    """Settings of the suite models."""

    options: list[Text] | None
    sizes: Sizes
    batches: Batches
    precisions: Precisions
    backends: Backends
    num_classes: Count
    max_seconds: Positive
    max_preparation_seconds: Positive
    max_minutes: NotNegative | None
    frames_per_second: Positive


class StreetsSettings(Settings):
    """Arguments of `segexp.data.streets.Streets`, which renders the scenes that are read."""

    root: Folder
    num_train: Count
    num_val: Count
    height: Annotated[int, Field(ge=SMALLEST_SIDE), Allowed(f"a whole number of at least {SMALLEST_SIDE}")]
    width: Annotated[int, Field(ge=SMALLEST_SIDE), Allowed(f"a whole number of at least {SMALLEST_SIDE}")]
    seed: WholeNumber = 0


class InputSettings(Settings):
    """Settings of the suite input."""

    streets: StreetsSettings
    crop: Size
    caches: Caches
    cache_root: Folder
    rounds: Count
    num_workers: list[WholeNumber]
    batch_size: Count
    seconds: Positive
    num_epochs: Annotated[int, Field(gt=SETTLED_EPOCHS), Allowed(f"a whole number of at least {SETTLED_EPOCHS + 1}")]

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        if self.crop[0] > self.streets.height or self.crop[1] > self.streets.width:
            raise ValueError(
                f"input.crop is {shown(self.crop)}; allowed: [height, width] within {self.streets.height}x"
                f"{self.streets.width}, the size of input.streets; make one larger or the other smaller"
            )
        return self

    @model_validator(mode="after")
    def _memory_of_workers_is_measured(self) -> Self:
        if not self.num_workers or not self.num_workers[-1]:
            raise ValueError(
                f"input.num_workers is {shown(self.num_workers)}; allowed: a list of whole numbers, the last of them "
                "above 0: the memory of so many workers is measured"
            )
        return self


class StepCase(Settings):
    """A training whose steps are timed.

    size: [height, width] of the batch's images. further: more overrides of conf/train.yaml.
    """

    model: Text
    batch: Count
    size: Size
    classes: Text = "cityscapes19"
    precision: Literal["auto", Precision] = "auto"
    memory_format: Literal["auto", MemoryFormat] = "auto"
    compile: bool = False
    further: Annotated[tuple[str, ...], Tuple, Allowed("a list of overrides of segexp.train, such as [seed=1]")] = ()

    @model_validator(mode="before")
    @classmethod
    def _has_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError(
                f"a case of step.cpu or step.cuda is {shown(value)}; allowed: {{model: ..., batch: ..., size: [height, "
                f"width]}}, and any of {', '.join(list(cls.model_fields)[3:])}"
            )
        return value

    def record(self) -> Values:
        """The values by which a record names its case."""
        size, further = f"{self.size[0]}x{self.size[1]}", " ".join(self.further)
        return {**self.model_dump(), "size": size, "further": further}


class StepSettings(Settings):
    """Settings of the suite step; cpu, cuda: the cases that are timed on either device."""

    rounds: Count
    num_steps: Count
    cpu: list[StepCase]
    cuda: list[StepCase]
    num_fed_steps: Count
    streets: StreetsSettings
    cache_root: Folder


class StartupSettings(Settings):
    """Settings of the suite startup; limits: arguments of `python -m`, separated by spaces -> the most seconds."""

    rounds: Count
    limits: dict[str, LimitSeconds]


Overrides = Annotated[
    tuple[str, ...], Tuple, Allowed("""a list of overrides of a command, such as ["precision=float32"]""")
]


class BaselineTraining(Settings):
    """A training on rendered street scenes that is compared.

    overrides: of conf/train.yaml, such as the network. size: [height, width] of the scenes. steps: in an epoch.
    """

    overrides: Overrides
    batch: Count
    size: Size
    steps: Count


class BaselineStartSettings(Settings):
    """overrides: of the training whose first row in metrics.jsonl is awaited."""

    rounds: Count
    overrides: Overrides


class BaselineTrainSettings(Settings):
    """The trainings that are compared."""

    rounds: Count
    cases: list[BaselineTraining]


class BaselinePredictSettings(Settings):
    """options: of conf/model, null for all. networks: overrides of conf/train.yaml that choose further networks.

    size: [height, width] of the images. num_images: in a folder. overrides: of conf/predict.yaml.
    """

    rounds: Count
    options: list[Text] | None
    networks: list[Overrides]
    size: Size
    num_images: Annotated[int, Field(ge=2), Allowed("a whole number of at least 2")]
    overrides: Overrides


class OverridesOfBuilds(Settings):
    """Overrides of every command of one build alone."""

    baseline: Overrides
    this: Overrides


class BaselineSettings(Settings):
    """Settings of the suite baseline; worktree: the folder of another checkout of segexp."""

    worktree: Folder | None
    parts: Annotated[
        list[BaselinePart],
        Field(min_length=1),
        Allowed("a list of one or more of start, train, predict, such as baseline.parts=[train]"),
    ]
    overrides: OverridesOfBuilds
    streets_root: Folder
    max_seconds: Positive
    start: BaselineStartSettings
    train: BaselineTrainSettings
    predict: BaselinePredictSettings


class BenchmarkSettings(Settings):
    """Everything in conf/benchmark.yaml."""

    suite: Suites
    device: Device
    output: Folder
    overwrite: bool
    losses: LossesSettings
    models: ModelsSettings
    input: InputSettings
    step: StepSettings
    startup: StartupSettings
    baseline: BaselineSettings

    @model_validator(mode="after")
    def _has_baseline(self) -> Self:
        if BASELINE in self.suite and self.baseline.worktree is None:
            raise ValueError(
                "baseline.worktree is null; allowed: the folder of another checkout of segexp, such as "
                "git worktree add FOLDER COMMIT makes"
            )
        return self
