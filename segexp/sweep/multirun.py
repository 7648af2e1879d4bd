"""What Hydra hands to a launcher -> jobs, started by the launcher that was chosen."""

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

from segexp.config.grammar import quoted
from segexp.sweep import local, slurm
from segexp.sweep.job import Demand, Job, folder_name
from segexp.sweep.sweep_folder import SweepFolder

OF_THE_SWEEP = re.compile(r"[+~]*hydra[./](launcher|sweep|sweeper|run|mode)\b")
"""Hydra's own settings that say how jobs are started; a job is told all others."""


def launch(
    kind: str, config: DictConfig, loader: ConfigLoaderImpl, job_overrides: Sequence[Sequence[str]], first: int
) -> None:
    """Train every job and end with a table; exits with status 1 if one of them did not finish.

    kind: local or slurm. loader: composes the configuration of a job. job_overrides: of each job, from number `first`.
    """
    if config.get("resume"):
        raise ValueError("resume= goes on with one run; a sweep goes on by its own command and hydra.sweep.dir")
    if "on_existing" not in config:
        raise ValueError("the launchers local and slurm start trainings: python -m segexp.train -m ...")
    if OmegaConf.select(config, "hydra.sweeper.max_batch_size") is not None:
        raise ValueError("hydra.sweeper.max_batch_size stops at the first failure; use hydra.launcher.num_parallel")
    folder = SweepFolder(Path(str(config.hydra.sweep.dir)).absolute())
    further = [*_command_line_options(config), *_hydra_overrides(config)]
    fixed = _fixed_overrides(config)
    jobs, demands = [], []
    for number, overrides in enumerate(job_overrides, first):
        variant = [each for each in overrides if each not in fixed]
        composed = loader.load_sweep_config(config, list(overrides))
        arguments = (*further, *overrides, *_added(composed, overrides, folder.path.name))
        jobs.append(Job(number, " ".join(variant), folder.path / folder_name(number, variant), arguments))
        demands.append(_demand(composed))
    settings: Any = OmegaConf.to_container(config.hydra.launcher, resolve=True)
    settings.pop("_target_")
    start: Any = {"local": local.launch, "slurm": slurm.launch}[kind]
    sys.exit(start(folder, jobs, demands, command=_typed(folder), **settings))


def _typed(folder: SweepFolder) -> str:
    """The command of this sweep; typed again, it goes on with the same sweep."""
    named = any(argument.startswith("hydra.sweep.dir=") for argument in sys.argv)
    where = [] if named else [f"hydra.sweep.dir={quoted(str(folder.path))}"]
    return shlex.join(["python", "-m", "segexp.train", *sys.argv[1:], *where])


def _fixed_overrides(config: DictConfig) -> set[str]:
    """Overrides that all jobs share, in the sweeper's spelling."""
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    typed = [*(f"{key}={value}" for key, value in params.items()), *config.hydra.overrides.task]
    return {_spelled(each) for each in OverridesParser.create().parse_overrides(typed) if not each.is_sweep_override()}


def _spelled(override: Override) -> str:
    return f"{override.get_key_element()}={override.get_value_element_as_str()}"


def _command_line_options(config: DictConfig) -> list[str]:
    sources = [source for source in config.hydra.runtime.config_sources if source.provider == "command-line"]
    return [word for source in sources for word in ("--config-dir", source.path)]


def _hydra_overrides(config: DictConfig) -> list[str]:
    return ["hydra.mode=RUN", *(each for each in config.hydra.overrides.hydra if not OF_THE_SWEEP.match(each))]


def _added(composed: DictConfig, overrides: Sequence[str], sweep: str) -> Iterator[str]:
    """What every job of a sweep is told, unless the user said otherwise."""
    yield "on_existing=resume"
    if "group" in (composed.get("logger") or {}) and composed.logger.group is None:
        yield f"logger.group={quoted(sweep)}"
    if not any(override.lstrip("+").startswith("trainer.enable_progress_bar=") for override in overrides):
        yield "trainer.enable_progress_bar=false"  # a log keeps every redrawing of it


def _demand(composed: DictConfig) -> Demand:
    trainer = composed.trainer
    devices = trainer.devices
    if devices in ("auto", -1, "-1"):
        return Demand(str(trainer.accelerator), None, trainer.num_nodes)
    try:
        count = int(devices)
    except (TypeError, ValueError):
        raise ValueError(f"trainer.devices is {devices}; a launcher chooses devices itself: give a count") from None
    return Demand(str(trainer.accelerator), count, trainer.num_nodes)
