"""Configurations that earlier versions recorded, in the words of today."""

from collections.abc import Mapping
from typing import Any

from segexp.system.trainer_precision import with_one_precision
from segexp.types import Values

LOSSES_WITH_A_LAW = ("segexp.loss.lovasz.", "segexp.loss.lovasz_softmax.")
"""They called the distribution of their threshold `law` when version 0.1.0 began."""
SCHEDULES_WITH_AN_END = ("segexp.scheduler.poly", "segexp.scheduler.cosine")
"""They were given the number of steps without asking for it."""
FOLDER = "segexp.data.folder.Folder"
"""Its images lay in one folder before they could lie in folders below, too."""
FREEZE_ENCODER = "segexp.callbacks.freeze_encoder.FreezeEncoder"
WRITTEN_OUT: Values = {
    "task": {"_target_": "segexp.train.task.SegmentationTask"},
    "warmup": 0,
    "start_from": None,
    "start_checkpoint": "best",
    "quiet": False,
}
"""What every training did before it could be chosen."""
TRAINER_WRITTEN_OUT: Values = {"max_steps": -1, "val_check_interval": None}
"""The same of its trainer."""
WITHOUT_EFFECT = (
    "resume",
    "on_existing",
    "logger",
    *(f"data.{name}" for name in ("root", "num_workers", "cache", "cache_size", "cache_root")),
    "optimizer.fused",
    "trainer.enable_progress_bar",
    *(f"callbacks.{name}" for name in ("last", "stop", "shared_folder", "panels", "throughput", "report")),
)
"""Settings that change no weight, or by rounding only, of runs that do not record them themselves."""
WITHOUT_EFFECT_UNLISTED = ("memory_format",)
"""The same of runs that record them, but had such a setting under a name that has been replaced."""
IGNORED_BY_SMP = ("streams", "num_columns_down", "num_columns_up", "total_dropout")
"""What experiment=demo left in the settings of networks of smp, which ignored it."""
RENAMED_BY_SMP = {
    "decoder_use_batchnorm": "decoder_use_norm",
    "psp_use_batchnorm": "decoder_use_norm",
    "upscale_mode": "decoder_interpolation",
}
"""Options of smp that it still took under their older names, without saying so in a signature."""
ARGUMENTS_SINCE: Mapping[str, Values] = {
    "segexp.loss.cross_entropy.CrossEntropy": {"label_smoothing": 0.0},
    "segexp.loss.weighted_cross_entropy.WeightedCrossEntropy": {"weights": None, "label_smoothing": 0.0},
    "segexp.loss.cross_entropy_to_iou.CrossEntropyToIoU": {"unit": "epochs"},
    "segexp.callbacks.stop_on_signal.StopOnSignal": {"patience_seconds": 60},
}
"""What parts did before it could be chosen: _target_ -> values of the arguments that they have got since."""

FIRST_METRICS: Values = {
    "overlap": {},
    "image_miou": {"worst": 0.05},
    "boundary": {},
    "instances": {},
    "calibration": {},
}
"""What every evaluation counted before metrics were options, with their settings."""


def in_words_of_today(config: Mapping[str, Any]) -> Values:
    """The same configuration with what has been renamed, moved or written out since it was recorded."""
    today: Values = _loggers_by_name(_completed(_renamed(config)))
    if "trainer" in today:
        today = {**WRITTEN_OUT, **today}
    if isinstance(today.get("trainer"), Mapping):
        today["trainer"] = {**TRAINER_WRITTEN_OUT, **today["trainer"]}
        today = _with_arithmetic(today)
    for name in ("optimizer", "scheduler"):
        if isinstance(today.get(name), dict):
            today[name].pop("_partial_", None)  # every optimizer and schedule is built in two steps
    today = {**today, "model": _network_of_smp(today["model"])} if _is_of_smp(today.get("model")) else today
    _write_out_origin_of_encoder(today)
    data = today.get("data")
    if isinstance(data, dict) and data.get("_target_") == FOLDER:
        data.setdefault("recursive", False)
    schedule = today.get("scheduler")
    if isinstance(schedule, dict) and schedule.get("_target_") in SCHEDULES_WITH_AN_END:
        schedule.setdefault("total_steps", "<total_steps>")
    return today


def _with_arithmetic(config: Values) -> Values:
    """Earlier runs said Lightning's word for their precision alone, and channels_last: true or false."""
    if "precision" in config:
        return config
    rest = {key: value for key, value in config.items() if key != "channels_last"}
    memory_format = "channels_last" if config.get("channels_last") else "contiguous"
    precision = "float32" if config["trainer"].get("precision") is None else "auto"
    return with_one_precision({**rest, "precision": precision, "memory_format": memory_format})


def _write_out_origin_of_encoder(config: Values) -> None:
    """Earlier runs froze any encoder, and did not record beside it where its weights came from."""
    callbacks, model, start_from = config.get("callbacks"), config.get("model"), config.get("start_from")
    if not isinstance(callbacks, Mapping) or not isinstance(model, Mapping):
        return
    for node in callbacks.values():
        if isinstance(node, dict) and node.get("_target_") == FREEZE_ENCODER and "weights" not in node:
            is_known = model.get("weights") or start_from
            node.update(weights=model.get("weights") if is_known else "unknown", start_from=start_from)


def _loggers_by_name(config: Values) -> Values:
    """A run had one logger, `logger._target_`; its name today is that of the file which builds it."""
    logger = config.get("logger")
    if not isinstance(logger, Mapping) or not isinstance(target := logger.get("_target_"), str):
        return config
    module = target.rpartition(".")[0]
    return {**config, "logger": {module.rpartition(".")[2] or target: logger}}


def _is_of_smp(network: Any) -> bool:
    return isinstance(network, Mapping) and network.get("_target_") == "segexp.model.smp.smp"


def _network_of_smp(network: Mapping[str, Any]) -> Values:
    kept = {key: value for key, value in network.items() if key not in IGNORED_BY_SMP}
    if network.get("architecture") == "PSPNet":
        kept.pop("decoder_channels", None)  # which experiment=camvid left
    return {RENAMED_BY_SMP.get(key, key): value for key, value in kept.items()}


def _renamed(node: Any) -> Any:
    """Keys are renamed at any depth."""
    if isinstance(node, Mapping):
        return {_key(key, node): _renamed(value) for key, value in node.items()}
    return [_renamed(each) for each in node] if isinstance(node, list) else node


def _completed(node: Any) -> Any:
    """Parts at any depth get the arguments that they did not have yet."""
    if isinstance(node, Mapping):
        given = {key: _completed(value) for key, value in node.items()}
        return {**given, **{key: value for key, value in _arguments_since(node).items() if key not in node}}
    return [_completed(each) for each in node] if isinstance(node, list) else node


def _arguments_since(part: Mapping[str, Any]) -> Values:
    return ARGUMENTS_SINCE.get(str(part.get("_target_")), {})


def _key(key: str, node: Mapping[str, Any]) -> str:
    is_law = key == "law" and str(node.get("_target_")).startswith(LOSSES_WITH_A_LAW)
    return "distribution" if is_law else key


def evaluation_in_words_of_today(facts: Mapping[str, Any]) -> Values:
    """metrics.json with the precision and the settings of each metric, which some versions recorded otherwise."""
    today = precision_of_its_own(facts)
    if "metric" in today or "boundary_width" not in today:
        return today
    return {**today, "metric": {**FIRST_METRICS, "boundary": {"width": today["boundary_width"]}}}


def precision_of_its_own(facts: Mapping[str, Any]) -> Values:
    """Facts with the precision, which was one of the settings of `inference`, and float32 where nothing was said."""
    inference = facts.get("inference")
    if "precision" in facts or not isinstance(inference, Mapping | None):
        return dict(facts)
    others = dict(inference or {})
    precision = others.pop("precision", "float32")
    kept = {key: value for key, value in facts.items() if key != "inference"}
    return {**kept, **({"inference": others} if others else {}), "precision": precision}
