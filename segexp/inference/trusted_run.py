"""What of a run's configuration is built to predict with it, however its folder came here: classes, network, data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from segexp import build
from segexp.classes import LabelTable
from segexp.config import schema, trust
from segexp.config.compose import config_folder, option_values, options_of_user, user_folders
from segexp.config.schema import checked
from segexp.run.folder import RunFolder
from segexp.types import Size

if TYPE_CHECKING:
    from segexp.data.pairs import Source


def trusted(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a run's config may be built to predict with it, however the run folder came here: its classes and model.

    The model comes without initial weights, as those of a checkpoint replace them.
    """
    found = {"classes": _part_of(config, "classes"), "model": trust.without_downloads(_part_of(config, "model"))}
    trust.refuse_foreign_targets(found, consented=trust.targets_in(options_of_user()))
    return found


def source_of_run(run: RunFolder, values: Mapping[str, Any]) -> "tuple[Source, Size | None]":
    """The data set a run was trained on, and the size its images are given to the network.

    values: settings to replace, such as root. Raises ValueError for a URL that only the run's config names. Scenes that
    are rendered on demand are rendered at the root that our own option names, up to `trust.MOST_RENDERED_PIXELS`, and
    nowhere else: neither a run nor a mistyped root chooses where to write.
    """
    ours, stored = _data_of_run(run)
    trust.refuse_urls({key: value for key, value in stored.items() if key not in values})
    trust.refuse_foreign_targets({**stored, **values})
    settings = {**ours, **stored, **values}
    most_pixels = trust.MOST_RENDERED_PIXELS if settings.get("root") == ours.get("root") else 0
    found = build.source_from(settings, {"most_pixels": lambda: most_pixels})
    return found, checked(schema.Size | None, "data.image_size", settings["image_size"])


def labels_of_run(run: RunFolder) -> tuple[LabelTable, Size | None]:
    """As `source_of_run`, of a data set of which nothing is read."""
    ours, stored = _data_of_run(run)
    trust.refuse_foreign_targets(stored)
    settings = {**ours, **stored}
    return build.source_from(settings).table, checked(schema.Size | None, "data.image_size", settings["image_size"])


def _data_of_run(run: RunFolder) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of the data set a run was trained on: those of the option in our own conf/data, and the run's own.

    Of the latter only what the option has is taken, and nothing is downloaded.
    """
    option = run.environment.get("choices", {}).get("data")
    known = sorted(
        file.stem for folder in [config_folder(), *user_folders()] for file in (folder / "data").glob("*.yaml")
    )
    if option not in known:  # also what would lead out of conf/
        raise ValueError(f"{run.path} was trained on data={option!r}; known: {known}; add --config-dir if it is yours")
    ours = option_values("data", option)
    foreign = {"_target_", "download"}
    stored = _part_of(run.config, "data")
    return ours, {key: value for key, value in stored.items() if key in ours and key not in foreign}


def _part_of(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if not isinstance(config.get(key), Mapping):
        raise ValueError(f"the run's config has {config.get(key)!r} for {key}; needed are its settings: train again")
    return config[key]
