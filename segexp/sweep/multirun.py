"""Turn what Hydra hands to a launcher into jobs, and start them by the launcher that was chosen."""

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from segexp.config.compose import resolve
from segexp.config.grammar import quote
from segexp.sweep import local, slurm
from segexp.sweep.job import Job, Resources, folder_name
from segexp.sweep.settings import LocalLauncherSettings, SlurmLauncherSettings
from segexp.sweep.sweep_folder import SweepFolder

SWEEP_OVERRIDE = re.compile(r"[+~]*hydra[./](launcher|sweep|sweeper|run|mode)\b")
"""Overrides of Hydra's settings that say how jobs are started; all others are passed on to every job."""


def launch(
    kind: str, config: DictConfig, loader: ConfigLoaderImpl, job_overrides: Sequence[Sequence[str]], first: int
) -> None:
    """Train every job and print a table at the end; exit with status 1 if one of them did not finish.

    kind: local or slurm. loader: composes the configuration of a job. job_overrides: those of each job, whose numbers
    begin with `first`. Raises ValueError for settings that a launcher cannot follow.
    """
    _check(config)
    values: Any = OmegaConf.to_container(config.hydra.launcher, resolve=True)
    values.pop("_target_")
    schema: Any = {"local": LocalLauncherSettings, "slurm": SlurmLauncherSettings}[kind]
    settings = schema.of(values, within="hydra.launcher")
    folder = SweepFolder(Path(str(config.hydra.sweep.dir)).absolute())
    for_all_jobs = [*_command_line_options(config), *_hydra_overrides(config)]
    fixed = _fixed_overrides(config)
    jobs, resources = [], []
    for number, overrides in enumerate(job_overrides, first):
        variant = [each for each in overrides if each not in fixed]
        composed = loader.load_sweep_config(config, list(overrides))
        _refuse_what_a_job_would(composed, overrides)
        arguments = (*for_all_jobs, *overrides, *_defaults_of_jobs(composed, overrides, folder.path.name))
        jobs.append(Job(number, " ".join(variant), folder.path / folder_name(number, variant), arguments))
        resources.append(_resources(composed))
    start: Any = {"local": local.launch, "slurm": slurm.launch}[kind]
    sys.exit(start(folder, jobs, resources, _command(folder), settings))


def _check(config: DictConfig) -> None:
    if config.get("resume"):
        raise ValueError(
            f"resume is {config.resume}, and resume= continues one run; leave it out: the command of a sweep, repeated "
            "with the same hydra.sweep.dir, continues the sweep"
        )
    if "on_existing" not in config:
        raise ValueError("the launchers local and slurm start trainings only; type python -m segexp.train -m ...")
    batch_size = OmegaConf.select(config, "hydra.sweeper.max_batch_size")
    if batch_size is not None:
        raise ValueError(
            f"hydra.sweeper.max_batch_size is {batch_size}, which would end a sweep at its first failure; leave it "
            "out, and use hydra.launcher.num_parallel"
        )


def _refuse_what_a_job_would(composed: DictConfig, overrides: Sequence[str]) -> None:
    """Raise ValueError for a missing value and for a key that the options of the job do not have."""
    training = OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])
    resolve(training, "train", overrides)


def _command(folder: SweepFolder) -> str:
    """The command of this sweep; typed again, it goes on with the same sweep."""
    has_folder = any(argument.startswith("hydra.sweep.dir=") for argument in sys.argv)
    where = [] if has_folder else [f"hydra.sweep.dir={quote(str(folder.path))}"]
    return shlex.join(["python", "-m", "segexp.train", *sys.argv[1:], *where])


def _fixed_overrides(config: DictConfig) -> set[str]:
    """Overrides that all jobs share, as the sweeper writes them."""
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    texts = [*(f"{key}={value}" for key, value in params.items()), *config.hydra.overrides.task]
    overrides = OverridesParser.create().parse_overrides(texts)
    return {_as_sweeper_writes(override) for override in overrides if not override.is_sweep_override()}


def _as_sweeper_writes(override: Override) -> str:
    return f"{override.get_key_element()}={override.get_value_element_as_str()}"


def _command_line_options(config: DictConfig) -> list[str]:
    sources = [source for source in config.hydra.runtime.config_sources if source.provider == "command-line"]
    return [word for source in sources for word in ("--config-dir", source.path)]


def _hydra_overrides(config: DictConfig) -> list[str]:
    return ["hydra.mode=RUN", *(each for each in config.hydra.overrides.hydra if not SWEEP_OVERRIDE.match(each))]


def _defaults_of_jobs(composed: DictConfig, overrides: Sequence[str], sweep: str) -> Iterator[str]:
    """Overrides for every job of a sweep, unless the user set these keys. sweep: the name of its folder."""
    yield "on_existing=resume"
    for name, logger in (composed.get("logger") or {}).items():
        if isinstance(logger, DictConfig) and "group" in logger and logger.group is None:
            yield f"logger.{name}.group={quote(sweep)}"
    if not any(override.lstrip("+").startswith("trainer.enable_progress_bar=") for override in overrides):
        yield "trainer.enable_progress_bar=false"  # a log would keep every redrawing of it


def _resources(composed: DictConfig) -> Resources:
    trainer = composed.trainer
    devices = trainer.devices
    if devices in ("auto", -1, "-1"):
        return Resources(str(trainer.accelerator), None, trainer.num_nodes)
    try:
        count = int(devices)
    except (TypeError, ValueError):
        raise ValueError(
            f"trainer.devices is {devices}, and a launcher chooses the devices of each job itself; give a count, such "
            "as trainer.devices=1, or auto"
        ) from None
    return Resources(str(trainer.accelerator), count, trainer.num_nodes)
