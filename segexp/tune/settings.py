"""Settings of python -m segexp.tune."""

from typing import Annotated, Any, Self

from pydantic import model_validator

from segexp.config.schema import Allowed, Count, Folder, Settings, Text

Overrides = Annotated[
    list[str],
    Allowed("a list of overrides of segexp.train; give it behind --: study=NAME -- model=unet loss=lovasz_beta"),
]


Name = Annotated[str | int, Allowed("a name, such as lovasz")]


class TuneSettings(Settings):
    """Everything in conf/tune.yaml."""

    study: Name
    folder: Folder
    num_trials: Count
    train: Overrides
    metric: Text
    space: dict[str, dict[str, Any]]
    sampler: dict[str, Any] | None
    pruner: dict[str, Any] | None
    report: dict[str, Any]

    @model_validator(mode="after")
    def _space_varies_each_key_once(self) -> Self:
        if not self.space:
            raise ValueError("space is empty; give at least one key to vary, as conf/tune.yaml does")
        varied: dict[str, str] = {}
        for name, node in self.space.items():
            key = node.get("key")
            if not isinstance(key, str):
                raise ValueError(
                    f"space.{name}.key is {key!r}; allowed: a key of segexp.train that this entry varies, such as "
                    f"space.{name}.key=optimizer.lr; or leave the entry out: ~space.{name}"
                )
            if key in varied:
                raise ValueError(
                    f"space.{name} varies {key}, as space.{varied[key]} does; leave one out: ~space.{name}"
                )
            varied[key] = name
        return self
