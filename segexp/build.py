"""Configuration -> objects: the only file that instantiates what a YAML names; nobody else knows of configurations.

Facts that no YAML can know (num_classes, class_counts, the run folder) are handed to every `_target_`, nested ones too,
whose signature asks for them by name.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf

from segexp import ranks, trust
from segexp.classes import Grouping, LabelTable
from segexp.data.settings import READING, Size, checked_size
from segexp.run import RunFolder

if TYPE_CHECKING:
    import torch
    from pytorch_lightning import Callback, Trainer
    from pytorch_lightning.loggers import Logger
    from torch import nn

    from segexp.augmentation.augmentation import Augmentation
    from segexp.data.counts import ClassCounts
    from segexp.data.module import DataModule
    from segexp.data.pairs import Source

OmegaConf.register_new_resolver("run_folder", lambda resumed, new: resumed or new, replace=True)
OmegaConf.register_new_resolver("started", ranks.started, replace=True)

Config = DictConfig | Mapping[str, Any]
Facts = Mapping[str, Callable[[], Any]]


def config_folder() -> Path:
    """conf/: inside the package when it was installed as a wheel, beside it in a checkout."""
    inside = Path(__file__).parent / "conf"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "conf"


def user_folders() -> list[Path]:
    """The folder of further options that the command named by --config-dir, if it did."""
    sources = HydraConfig.get().runtime.config_sources if HydraConfig.initialized() else []
    return [Path(source.path) for source in sources if source.provider == "command-line"]


def config_dir() -> list[str]:
    """The words --config-dir FOLDER, for a further command, if this one was given them."""
    return [word for folder in user_folders() for word in ("--config-dir", str(folder))]


def compose(entry: str, overrides: Sequence[str] = (), folders: Sequence[Path | str] | None = None) -> DictConfig:
    """The configuration of `python -m segexp.<entry> <overrides>`, without running it.

    folders: further ones with options, as of --config-dir; None for those of the running command.
    """
    places = [f"file://{Path(folder).absolute()}" for folder in (user_folders() if folders is None else folders)]
    paths = [QuotedString(place, Quote.single).with_quotes() for place in places]
    search = [f"hydra.searchpath=[{','.join(paths)}]"] if paths else []
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(config_folder()), version_base="1.3"):
        return hydra_compose(entry, overrides=[*search, *overrides])


def plain(config: Config) -> dict[str, Any]:
    """The resolved configuration as plain values. Raises ValueError naming the keys that have no value yet."""
    if not isinstance(config, DictConfig):
        return dict(config)
    missing = sorted(_without_value(OmegaConf.to_container(config)))
    if missing:
        raise ValueError(f"no value for {', '.join(missing)}; add {missing[0]}=... to the command")
    return cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))


def options_of_user() -> list[Path]:
    """Those in groups that conf/ has: whatever else lies in the user's folder, a stranger's run, say, is no option."""
    groups = [path.relative_to(config_folder()) for path in config_folder().rglob("*") if path.is_dir()]
    return [file for folder in user_folders() for group in groups for file in (folder / group).glob("*.yaml")]


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
    found = _source(settings, {"most_pixels": lambda: most_pixels})
    return found, checked_size("data.image_size", settings["image_size"])


def labels_of_run(run: RunFolder) -> tuple[LabelTable, Size | None]:
    """As `source_of_run`, of a data set of which nothing is read."""
    ours, stored = _data_of_run(run)
    trust.refuse_foreign_targets(stored)
    settings = {**ours, **stored}
    return _source(settings).table, checked_size("data.image_size", settings["image_size"])


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
    ours = cast(dict[str, Any], OmegaConf.to_container(compose("train", [f"data={option}"])["data"]))
    foreign = {"_target_", "download"}
    stored = _part_of(run.config, "data")
    return ours, {key: value for key, value in stored.items() if key in ours and key not in foreign}


def _part_of(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if not isinstance(config.get(key), Mapping):
        raise ValueError(f"the run's config has {config.get(key)!r} for {key}; needed are its settings: train again")
    return config[key]


def devices(name: str) -> "list[torch.device]":
    """auto: every GPU there is, or the CPU; otherwise the one that is named."""
    import torch

    if name == "auto" and torch.cuda.is_available():
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    try:
        found = torch.device(name if name != "auto" else "cpu")
        torch.empty(0, device=found)
    except (RuntimeError, TypeError, AssertionError) as error:
        raise ValueError(f"device is {name!r} ({error}); allowed: auto, cpu, cuda, cuda:1") from error
    return [found]


def part(node: Mapping[str, Any] | None, facts: Facts | None = None, **extra: Any) -> Any:
    """The object that a node's `_target_` names. facts: name -> what to ask for it; extra: further arguments."""
    if not node:
        return node
    try:
        return instantiate(_with_facts(node, facts or {}), _convert_="all", **extra)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, ValueError | OSError):  # already says where, what and how to mend it
            raise cause from None
        values = {key: value for key, value in node.items() if key != "_target_"}
        raise ValueError(
            f"{node.get('_target_', 'a part')} does not take {values}: {type(cause).__name__}: {cause}"
        ) from error


def grouping(config: Config) -> Grouping:
    return part(plain(config)["classes"])


def model(config: Config) -> "nn.Module":
    """Image [B, 3, H, W] -> logits [B, num_classes, H, W]."""
    num_classes = grouping(config).num_classes
    return part(plain(config)["model"], {"num_classes": lambda: num_classes})


def loss(config: Config) -> "nn.Module":
    """(logits, target) -> scalar. Counts the training pixels of each class if the loss asks for them."""
    classes = grouping(config)
    counted = functools.cache(lambda: _class_counts(config, classes))
    facts = {
        "num_classes": lambda: classes.num_classes,
        "class_counts": lambda: counted().pixels,
        "class_extents": lambda: counted().extents,
    }
    return part(plain(config)["loss"], facts)


def source(config: Config) -> "Source":
    """The data set on disk: what conf/data names, without the settings of reading it in batches."""
    return _source(plain(config)["data"])


def _source(settings: Mapping[str, Any], facts: Facts | None = None) -> "Source":
    return part({key: value for key, value in settings.items() if key not in READING}, facts)


def augmentation(config: Config) -> "Augmentation":
    values = plain(config)
    return part(values["augmentation"], {"seed": lambda: values["seed"]})


def data(config: Config) -> "DataModule":
    """Batches of the splits for training and validation."""
    from segexp.data.module import DataModule

    values = plain(config)
    loading = {key: values["data"][key] for key in READING if key in values["data"]}  # older runs lack some
    return DataModule(source(config), grouping(config), augmentation(config), values["seed"], **loading)


def optimizer(config: Config) -> Callable:
    """parameters -> optimizer."""
    return part(plain(config)["optimizer"])


def scheduler(config: Config) -> Callable:
    """(optimizer, total_steps) -> learning rate scheduler, stepped after every optimizer step."""
    return part(plain(config)["scheduler"])


def loggers(config: Config, folder: Path) -> "list[Logger]":
    """The local metrics.jsonl, always, and the logger that was chosen."""
    from segexp.logger.jsonl import JsonLinesLogger

    chosen = part(plain(config)["logger"], {"folder": lambda: str(folder)})
    return [JsonLinesLogger(str(folder)), *([chosen] if chosen else [])]


def callbacks(config: Config, folder: Path) -> "list[Callback]":
    values = plain(config)
    facts = {
        "folder": lambda: str(folder),
        "dirpath": lambda: str(folder / "checkpoints"),
        "seed": lambda: values["seed"],
    }
    return list(part(values["callbacks"], facts).values())


def trainer(config: Config, folder: Path) -> "Trainer":
    """The Trainer with its loggers and callbacks, writing below the run folder only."""
    from segexp.plugins import plugins

    settings = {**plain(config)["trainer"], "default_root_dir": str(folder)}
    settings["plugins"] = [*(settings.get("plugins") or []), *plugins()]
    return part(settings, logger=loggers(config, folder), callbacks=callbacks(config, folder))


def _class_counts(config: Config, classes: Grouping) -> "ClassCounts":
    from segexp.data.counts import class_counts

    found = source(config)
    return class_counts(found.pairs(plain(config)["data"]["train_split"]), classes, found.table)


def _without_value(node: Any, prefix: str = "") -> Iterator[str]:
    """Dotted keys of ???; OmegaConf.missing_keys stumbles over interpolations of them."""
    entries = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        if value == "???":
            yield f"{prefix}{key}"
        yield from _without_value(value, f"{prefix}{key}.")


def _with_facts(node: Any, facts: Facts) -> Any:
    if isinstance(node, list):
        return [_with_facts(entry, facts) for entry in node]
    if not isinstance(node, Mapping):
        return node
    filled = {key: _with_facts(value, facts) for key, value in node.items()}
    if "_target_" in filled:
        asked = inspect.signature(_imported(filled["_target_"])).parameters
        filled.update({name: fact() for name, fact in facts.items() if name in asked})
    return filled


def _imported(target: str) -> Any:
    try:
        return get_object(target)
    except ImportError as error:
        reason = str(error).splitlines()[-1]
        raise ValueError(f"_target_ {target}: {reason} If it is yours, put its folder on PYTHONPATH") from error
