"""What a command knows of itself that was given --config-dir, for tests that run none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.conf import ConfigSourceInfo, HydraConf, RuntimeConf
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf


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
