"""The options of conf/, and of a folder outside it that a user has written (pytest --config-dir FOLDER)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from hydra.conf import ConfigSourceInfo, HydraConf, RuntimeConf
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from segexp.config.compose import config_folder
from segexp.types import Values

CONFIG_DIR = "SEGEXP_TEST_CONFIG_DIR"
"""Where pytest's option --config-dir reaches the modules that it collects, in its workers too."""


def folders() -> list[Path]:
    """conf/, and the folder of --config-dir if there is one."""
    outside = os.environ.get(CONFIG_DIR)
    return [config_folder(), *([Path(outside)] if outside else [])]


def options(group: str) -> list[str]:
    """The names of all options of a config group."""
    return sorted(file.stem for folder in folders() for file in (folder / group).glob("*.yaml"))


def option_file(group: str, option: str) -> Path:
    files = (folder / group / f"{option}.yaml" for folder in folders())
    return next(file for file in files if file.is_file())


def option_settings(group: str, option: str) -> Values:
    """What an option's file holds, resolved: without what its own defaults list adds."""
    return cast(Values, OmegaConf.to_container(OmegaConf.load(option_file(group, option)), resolve=True))


@contextmanager
def config_dir(folder: Path) -> Iterator[None]:
    """While this runs, it is part of a command with --config-dir FOLDER."""
    source = ConfigSourceInfo(path=str(folder), schema="file", provider="command-line")
    config = OmegaConf.create({"hydra": OmegaConf.structured(HydraConf(runtime=RuntimeConf(config_sources=[source])))})
    HydraConfig.instance().set_config(config)
    try:
        yield
    finally:
        HydraConfig.instance().cfg = None
