"""Imported by the server of `tests.warm_process`: parsers of Hydra build their tables with the first configuration."""

from segexp.config.compose import compose

compose("train")
