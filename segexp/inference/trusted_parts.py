"""The parts of a run's configuration that are built to predict with it, wherever its folder came from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from segexp import build
from segexp.classes import Grouping, LabelTable
from segexp.config import schema, trust
from segexp.config.compose import config_folder, option_values, options_of_user, user_folders
from segexp.config.schema import checked
from segexp.inference.other_source import other_source
from segexp.run.folder import RunFolder
from segexp.types import Size, Values

if TYPE_CHECKING:
    from segexp.data.pairs import Source


def trusted_parts(config: Mapping[str, Any]) -> Values:
    """Return the classes and the model of a run's config, which may be built although a stranger may have written it.

    The model comes without initial weights, as those of a checkpoint replace them.
    Raises ValueError for a `_target_` that neither segexp nor the user allows.
    """
    parts = {"classes": _part_of(config, "classes"), "model": trust.without_downloads(_part_of(config, "model"))}
    trust.refuse_foreign_targets(parts, consented=trust.targets_in(options_of_user()))
    return parts


class ImageFormat(NamedTuple):
    """How the network of a run sees images.

    image_size: [H, W] that they are resized to, None for native size. bit_depth: see `segexp.data.image.upright`.
    """

    image_size: Size | None
    bit_depth: int | None


def source_of_run(run: RunFolder, values: Mapping[str, Any]) -> "tuple[Source, ImageFormat]":
    """Return the data set a run was trained on, and how its network sees the images.

    values: settings to replace, such as root; or all those of another data set, as the command's data=OPTION has them,
    of which the run chooses nothing, see `other_source`.
    Raises ValueError for a URL that only the run's config names. Scenes that are rendered on demand are rendered at the
    root that our own option names, up to `trust.MOST_RENDERED_PIXELS`, and nowhere else: neither a run nor a mistyped
    root chooses where to write.
    """
    if "_target_" in values:
        size = values.get("image_size", _part_of(run.config, "data").get("image_size"))
        image_format = _image_format({"bit_depth": None, **values, "image_size": size})
        return other_source(_typed_source(values), _grouping_of_run(run)), image_format
    ours, stored = _data_of_run(run)
    trust.refuse_urls({key: value for key, value in stored.items() if key not in values})
    trust.refuse_foreign_targets({**stored, **values})
    settings = {**ours, **stored, **values}
    max_pixels = trust.MOST_RENDERED_PIXELS if settings.get("root") == ours.get("root") else 0
    source = build.source_from(settings, {"max_pixels": lambda: max_pixels})
    return source, _image_format(settings)


def _typed_source(values: Mapping[str, Any]) -> "Source":
    try:
        return build.source_from(values)
    except ValueError as error:
        cure = "" if "root" in values else "; no value for data.root: add data.root=... to the command"
        raise ValueError(f"{error}{cure}") from error


def _grouping_of_run(run: RunFolder) -> Grouping:
    parts = {"classes": _part_of(run.config, "classes")}
    trust.refuse_foreign_targets(parts, consented=trust.targets_in(options_of_user()))
    return build.grouping(parts)


def labels_of_run(run: RunFolder) -> tuple[LabelTable, ImageFormat]:
    """Return the labels of the data set a run was trained on, and how its network sees images.

    No file of the data set is read.
    """
    ours, stored = _data_of_run(run)
    trust.refuse_foreign_targets(stored)
    settings = {**ours, **stored}
    return build.source_from(settings).table, _image_format(settings)


def _data_of_run(run: RunFolder) -> tuple[Values, Values]:
    """Return the settings of a run's data set: those of the option in our own conf/data, and those the run stored.

    Of the stored ones only keys that the option has are taken, and nothing is downloaded.
    """
    option = run.environment.get("choices", {}).get("data")
    known = sorted(
        file.stem for folder in [config_folder(), *user_folders()] for file in (folder / "data").glob("*.yaml")
    )
    if option not in known:  # also what would lead out of conf/
        raise ValueError(
            f"{run.path} was trained on data={option!r}; allowed: {', '.join(known)}; "
            "if the option is yours, add --config-dir FOLDER"
        )
    ours = option_values("data", option)
    foreign = {"_target_", "download"}
    stored = _part_of(run.config, "data")
    return ours, {key: value for key, value in stored.items() if key in ours and key not in foreign}


def _image_format(settings: Mapping[str, Any]) -> ImageFormat:
    image_size = checked(schema.Size | None, "data.image_size", settings["image_size"])
    return ImageFormat(image_size, checked(schema.BitDepth | None, "data.bit_depth", settings["bit_depth"]))


def _part_of(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if not isinstance(config.get(key), Mapping):
        raise ValueError(
            f"{key} is {config.get(key)!r} in the config.yaml of this run; allowed: the settings of {key}, as training "
            "stores them; restore config.yaml, or train again"
        )
    return config[key]
