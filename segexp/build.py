"""Configuration -> objects: the only file that instantiates what a YAML names.

values: a whole configuration as plain values, see `compose`.

Facts that no YAML can know (num_classes, class_counts, the run folder) are filled in where a YAML asks for them, see
`segexp.config.facts`. An argument of that name that is not in the configuration is filled in too, as runs of earlier
versions rely on it.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate

from segexp.classes import Grouping
from segexp.config.compose import compose as compose  # in a notebook: build.model(build.compose("train", [...]))
from segexp.config.facts import Facts, fill_facts
from segexp.config.one_value import refuse_lists
from segexp.data.settings import READING_KEYS

if TYPE_CHECKING:
    from pytorch_lightning import Callback, LightningModule, Trainer
    from pytorch_lightning.loggers import Logger
    from torch import nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from segexp.augmentation.augmentation import Augmentation
    from segexp.data.counts import ClassCounts
    from segexp.data.module import DataModule
    from segexp.data.pairs import Source
    from segexp.metric.metric import Metric

SUPERVISION_KEYS = ("auxiliary_weight", "boundary_weight")
"""What conf/train.yaml adds to every loss."""


def part(node: Mapping[str, Any] | None, facts: Facts | None = None, **extra: Any) -> Any:
    """Build the object that a node's `_target_` names.

    facts: what the node may ask for. extra: further arguments.
    Raises ValueError naming the target and its arguments if it does not take them.
    """
    if not node:
        return node
    try:
        return instantiate(_fill_absent(fill_facts(node, facts or {}), facts or {}), _convert_="all", **extra)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, ValueError | OSError):  # already says where, what and how to mend it
            raise cause from None
        values = {key: value for key, value in node.items() if key != "_target_"}
        raise ValueError(
            f"{node.get('_target_', 'a part')} does not take {values}: {type(cause).__name__}: {cause}"
        ) from error


def grouping(values: Mapping[str, Any]) -> Grouping:
    """Which labels form which class."""
    return part(values["classes"])


def model(values: Mapping[str, Any]) -> "nn.Module":
    """Image [B, 3, H, W] -> logits [B, num_classes, H, W]."""
    num_classes = grouping(values).num_classes
    return part(values["model"], {"num_classes": lambda: num_classes})


def loss(values: Mapping[str, Any], num_auxiliary: int = 0) -> "nn.Module":
    """(logits, target) -> scalar. Counts the training pixels of each class if the loss asks for them.

    num_auxiliary: of the network, see `segexp.model.auxiliary`; if it has any auxiliary heads, the loss takes
    `TrainingLogits`, too.
    """
    classes = grouping(values)
    counted = functools.cache(lambda: _class_counts(values, classes))
    facts = {
        "num_classes": lambda: classes.num_classes,
        "class_counts": lambda: counted().pixels,
        "class_extents": lambda: counted().extents,
    }
    return loss_from(values["loss"], facts, num_auxiliary)


def loss_from(settings: Mapping[str, Any], facts: Facts, num_auxiliary: int = 0) -> "nn.Module":
    """As `loss`, from the settings in conf/loss and those that conf/train.yaml adds to every loss."""
    main = part({key: value for key, value in settings.items() if key not in SUPERVISION_KEYS}, facts)
    if not num_auxiliary:
        return main
    from segexp.loss.engine.deep_supervision import DeepSupervision

    return DeepSupervision(main, num_auxiliary, settings.get("auxiliary_weight"), settings.get("boundary_weight"))


def source(values: Mapping[str, Any]) -> "Source":
    """The data set on disk: what conf/data names, without the settings of reading it in batches."""
    return source_from(values["data"])


def source_from(settings: Mapping[str, Any], facts: Facts | None = None) -> "Source":
    """As `source`, from the settings in conf/data. Raises ValueError naming what the built object lacks of a source."""
    from segexp.data.pairs import check_source

    built = part({key: value for key, value in settings.items() if key not in READING_KEYS}, facts)
    check_source(built)
    return built


def augmentation(values: Mapping[str, Any]) -> "Augmentation":
    """Sample -> another sample, a function of (seed, epoch, index)."""
    return part(values["augmentation"], {"seed": lambda: values["seed"]})


def data(values: Mapping[str, Any]) -> "DataModule":
    """Batches of the splits for training and validation."""
    from segexp.data.module import DataModule

    loading = {key: values["data"][key] for key in READING_KEYS}
    return DataModule(source(values), grouping(values), augmentation(values), values["seed"], **loading)


def optimizer(values: Mapping[str, Any]) -> "Callable[[nn.Module], Optimizer]":
    """module -> optimizer of its parameters, in groups where optimizer.parts names some.

    What `_target_` names takes parameters, as torch's own optimizers do, or else the module and every key.
    """
    node = {**values["optimizer"], "_partial_": True}
    if next(iter(inspect.signature(_imported(node["_target_"])).parameters), None) != "params":
        return part(node)
    from segexp.optimizer import parameter_groups

    parts = node.pop("parts", None)
    factory = part(node)
    return lambda module: factory(parameter_groups(module, parts, node) if parts else module.parameters())


def scheduler(values: Mapping[str, Any]) -> "Callable[[Optimizer, int], LRScheduler]":
    """(optimizer, number of its steps) -> learning rate scheduler, a warm-up included; stepped after each of them."""
    from segexp.scheduler import with_warmup

    def schedule(optimizer: "Optimizer", total_steps: int) -> "LRScheduler":
        node = fill_facts(values["scheduler"], {"total_steps": lambda: total_steps})
        try:
            return part({**node, "_partial_": True})(optimizer)
        except (TypeError, ValueError) as error:
            if isinstance(error, ValueError) and "total_steps" not in str(error):
                raise
            cure = "; ask for it in the YAML of the schedule: total_steps: ${fact:total_steps}"
            raise ValueError(f"scheduler: {error}{cure if 'total_steps' in str(error) else ''}") from error

    return lambda optimizer, total_steps: with_warmup(optimizer, schedule, values["warmup"], total_steps)


def task(values: Mapping[str, Any], **parts: Any) -> "LightningModule":
    """The training and validation step. parts: what every task is made of, see `segexp.train.task`."""
    return part({**values["task"], "_partial_": True})(**parts)


def loggers(values: Mapping[str, Any], folder: Path) -> "list[Logger]":
    """The local metrics.jsonl, always, and the loggers that were chosen."""
    from segexp.logger.jsonl import JsonLinesLogger

    chosen = part(values["logger"], {"folder": lambda: str(folder)})
    return [JsonLinesLogger(str(folder)), *chosen.values()]


def callbacks(values: Mapping[str, Any], folder: Path) -> "list[Callback]":
    """Those that were chosen. folder: that of the run."""
    facts = {
        "folder": lambda: str(folder),
        "dirpath": lambda: str(folder / "checkpoints"),
        "seed": lambda: values["seed"],
        "quiet": lambda: values.get("quiet", False),
    }
    return list(part(values["callbacks"], facts).values())


def trainer(values: Mapping[str, Any], folder: Path) -> "Trainer":
    """The Trainer with its loggers and callbacks, writing below the run folder only."""
    from segexp.run.checkpoint_io import plugins

    settings = {**values["trainer"], "default_root_dir": str(folder)}
    settings["enable_progress_bar"] = settings.get("enable_progress_bar", True) and not values.get("quiet", False)
    settings["plugins"] = [*(settings.get("plugins") or []), *plugins()]
    return part(settings, logger=loggers(values, folder), callbacks=callbacks(values, folder))


def metrics(settings: Mapping[str, Mapping[str, Any]]) -> "dict[str, Metric]":
    """The options of conf/metric by name. settings: name -> node."""
    return {name: part(node) for name, node in settings.items()}


def _class_counts(values: Mapping[str, Any], classes: Grouping) -> "ClassCounts":
    from segexp.data.counts import class_counts

    return class_counts(source(values), values["data"]["train_split"], classes)


def _fill_absent(node: Any, facts: Facts) -> Any:
    """Add the arguments that have the name of a fact and are not in the configuration.

    Raises ValueError for a list where one value is meant.
    """
    if isinstance(node, list):
        return [_fill_absent(entry, facts) for entry in node]
    if not isinstance(node, Mapping):
        return node
    filled = {key: _fill_absent(value, facts) for key, value in node.items()}
    if "_target_" in filled:
        arguments = inspect.signature(_imported(filled["_target_"])).parameters
        refuse_lists(filled, arguments)
        filled |= {name: fact() for name, fact in facts.items() if name in arguments and name not in filled}
    return filled


def _imported(target: str) -> Any:
    try:
        return get_object(target)
    except ImportError as error:
        reason = str(error).splitlines()[-1]
        raise ValueError(f"_target_ {target}: {reason} If it is yours, put its folder on PYTHONPATH") from error
