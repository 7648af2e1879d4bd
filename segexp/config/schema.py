"""Settings as typed classes: one a command, and one error for a value that its type does not allow.

The error says the key as it is typed, what was found, and what is allowed. Defaults stand in conf/ alone: a field
without a value is an error, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from segexp.types import SMALLEST_SIDE

ALLOWED = "allowed"


@dataclass(frozen=True)
class Allowed:
    """In an annotation, last: says in words what is allowed, in place of what pydantic would say."""

    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: Any, inner: core_schema.ValidatorFunctionWrapHandler) -> Any:
            try:
                return inner(value)
            except ValidationError:
                raise PydanticCustomError(ALLOWED, "{words}", {"words": self.words}) from None

        return core_schema.no_info_wrap_validator_function(validate, handler(source))


@dataclass(frozen=True)
class WithoutEffect:
    """In an annotation: no value of this setting changes a weight of the training, or only by rounding."""


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


Tuple = BeforeValidator(_as_tuple)
"""Lets a list of YAML stand for a tuple."""
Text = Annotated[str, Field(pattern=r"\S"), Allowed("a text; quote what looks like a number")]
Folder = Annotated[str, Field(pattern=r"\S"), Allowed("the path of a folder; type a number as ./2024")]
Split = Annotated[str, Field(pattern=r"\S"), Allowed("the name of a split, such as train or val")]
Device = Annotated[str, Field(pattern=r"\S"), Allowed("auto, cpu, cuda, cuda:1")]
Count = Annotated[int, Field(ge=1), Allowed("a whole number of at least 1")]
WholeNumber = Annotated[int, Field(ge=0), Allowed("a whole number of at least 0")]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), Allowed("a number of at least 0")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), Allowed("a number above 0")]
Side = Annotated[int, Field(ge=SMALLEST_SIDE)]
Size = Annotated[tuple[Side, Side], Tuple, Allowed(f"[height, width], each at least {SMALLEST_SIDE}")]
BitDepth = Annotated[int, Field(ge=8, le=16), Allowed("a whole number from 8 to 16")]
DataValues = Annotated[dict[str, Any], AfterValidator(_without_nulls)]
"""Settings that replace those of the data a run was trained on; a key that is null replaces nothing."""


class Settings(BaseModel):
    """The settings of a command. Only a whole number is converted, to a fraction; nothing can be changed afterwards."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @classmethod
    def of(cls, values: Mapping[str, Any], within: str = "") -> Self:
        """The settings of plain values. within: the key that they stand under, if not at the top.

        Raises ValueError naming the first value that is not allowed.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ValueError(_sentence(cls, error.errors()[0], within)) from None


def checked(kind: Any, key: str, value: Any) -> Any:
    """One value that stands under this key, as its type has it. kind: the type, such as Count, or `Size | None`.

    Raises ValueError as `Settings.of` does.
    """
    settings = create_model("Value", __base__=Settings, value=(kind, ...))
    try:
        return settings.model_validate({"value": value}).value  # type: ignore[attr-defined]
    except ValidationError as error:
        raise ValueError(_sentence(settings, error.errors()[0], key, skip=1)) from None


def shown(value: Any) -> str:
    """A value as it is typed: null, true, [64, 128]; texts in quotes."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return repr(value)


def _sentence(settings: type[BaseModel], error: ErrorDetails, within: str, skip: int = 0) -> str:
    """skip: how many names of the error's place are none that was typed."""
    path = [*([within] if within else []), *map(str, error["loc"][skip:])]
    key, parent = ".".join(path), ".".join(path[:-1])
    match error["type"]:
        case "value_error":
            return str(error["ctx"]["error"])
        case "missing":
            return f"the configuration has no {key}, which is required; do not delete it"
        case "extra_forbidden":
            known = ", ".join(_fields_at(settings, error["loc"][:-1]))
            return f"no key {key!r}; {parent or 'the configuration'} has: {known}; correct its name or leave it out"
        case "model_type" | "dict_type":
            allowed = f"several keys: {key}.KEY=VALUE"
        case "list_type":
            allowed = f"a list: {key}=[{error['input'] if isinstance(error['input'], str | float | int) else '...'}]"
        case kind:
            allowed = error["msg"] if kind == ALLOWED else _expected(error)
    nothing = "null, or " if _may_be_none(settings, error["loc"]) else ""
    return f"{key} is {shown(error['input'])}; allowed: {nothing}{allowed}"


def _expected(error: ErrorDetails) -> str:
    """The values of a choice; for anything else pydantic's own words."""
    if error["type"] == "bool_type":
        return "true, false"
    if error["type"] != "literal_error":
        return error["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    words = error["ctx"]["expected"].replace(" or ", ", ").replace("'", "")
    return words.replace("None", "null").replace("True", "true").replace("False", "false")


def _fields_at(settings: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    model = _model_at(settings, path)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _may_be_none(settings: type[BaseModel], path: Sequence[int | str]) -> bool:
    model = _model_at(settings, path[:-1])
    field = model.model_fields.get(str(path[-1])) if model else None
    return field is not None and type(None) in get_args(field.annotation) and not _words(field)


def _words(field: FieldInfo) -> list[Allowed]:
    return [each for each in field.metadata if isinstance(each, Allowed)]


def _model_at(settings: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel] | None:
    """The class of the settings under a key; None if there are plain values. A number is a place in a list."""
    for name in path:
        if isinstance(name, int):
            continue
        field = settings.model_fields.get(name)
        inner = [field.annotation, *get_args(field.annotation)] if field else []
        models = [each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)]
        if not models:
            return None
        settings = models[0]
    return settings
