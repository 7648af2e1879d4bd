"""What tests of several rooms need. Nothing of ours is mocked: it is shrunk instead."""

import copy
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from segexp.config.compose import compose, user_folders

os.environ.setdefault("OMP_NUM_THREADS", "1")  # pytest runs one worker a core
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"  # servers of tests are not behind any proxy

import pytest
from hydra.core.hydra_config import HydraConfig

from segexp.run.folder import RunFolder
from segexp.types import Values
from tests.options import CONFIG_DIR
from tests.training import start

SMALL_STREETS = ["num_train=6", "num_val=3", "height=64", "width=128"]
SMALL = [
    "classes=cityscapes8",
    "model.streams=[4,8]",
    "model.num_columns_down=1",
    "model.num_columns_up=1",
    "logger=none",
    "data.batch_size=2",
    "data.num_workers=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "trainer.log_every_n_steps=1",
    "trainer.enable_progress_bar=false",
    "callbacks.panels.num_scenes=0",
    "precision=float32",  # the same bits on every machine; tests/train/test_arithmetic.py trains in the default one
]

PICTURES = "callbacks.panels.num_scenes=4"
"""Override of a test that looks at pictures of its training, which take longer than its steps."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--config-dir", help="folder of further options, which the tests in tests/contract check too")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--config-dir"):
        os.environ[CONFIG_DIR] = str(Path(config.getoption("--config-dir")).absolute())


@pytest.fixture(autouse=True)
def _no_command_runs() -> Iterator[None]:
    """Forget a command that a test ran in this process: its --config-dir would be that of the next tests."""
    yield
    HydraConfig.instance().cfg = None


@pytest.fixture(scope="session")
def streets_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small set of rendered streets for all workers of a test session."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "streets"


@pytest.fixture(scope="session")
def small(streets_root: Path) -> Callable[..., list[str]]:
    """Overrides of a training that takes a second, and any further ones."""

    def overrides(*further: str) -> list[str]:
        data = [f"data.root={streets_root}", *(f"data.{each}" for each in SMALL_STREETS)]
        return [*SMALL, *data, *further]

    return overrides


@pytest.fixture(scope="session")
def trained(streets_root: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run of two epochs on all 19 classes, for tests that only read it."""
    data = [f"data.root={streets_root}", *(f"data.{each}" for each in SMALL_STREETS)]
    overrides = [*SMALL, *data, "classes=cityscapes19", "trainer.max_epochs=2", PICTURES]
    folder = tmp_path_factory.mktemp("trained") / "run"
    start(compose("train", overrides), folder, {"data": "streets"}, overrides)
    return RunFolder.open(folder)


@functools.cache
def _composed(overrides: tuple[str, ...], folders: tuple[Path, ...]) -> Values:
    return compose("train", overrides, folders)


@pytest.fixture(scope="session")
def compose_small(small: Callable[..., list[str]]) -> Callable[..., Values]:
    return lambda *further: copy.deepcopy(_composed(tuple(small(*further)), tuple(user_folders())))
