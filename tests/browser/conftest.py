"""Chromium, and servers for it to open: the real command on a small run."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from tests.browser.page import SIZES, complete, opened
from tests.serve.command import PATIENCE, environment, started

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Chromium asks for nothing by itself."""


@pytest.fixture(scope="session")
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium")
    assert found, "no chromium; run make test-browser as root, or install it"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=QUIET, timeout=1000 * PATIENCE)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def evaluated(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with the scores of its validation split."""
    run = Path(shutil.copytree(trained.path, tmp_path_factory.mktemp("served") / "run"))
    shutil.rmtree(run / "evaluation", ignore_errors=True)
    command = [sys.executable, "-m", "segexp.evaluate", f"run={run}", "num_scenes=0"]
    subprocess.run(command, check=True, capture_output=True, env=environment())
    return run


@pytest.fixture(scope="session")
def served(evaluated: Path) -> Iterator[str]:
    with started(f"run={evaluated}", "device=cpu") as found:
        yield found.address


@pytest.fixture
def serve(evaluated: Path) -> Callable:
    """serve(*overrides, **environment): a context with the address of another server."""

    @contextmanager
    def serving(*overrides: str, **environment: str) -> Iterator[str]:
        with started(f"run={evaluated}", "device=cpu", *overrides, **environment) as found:
            yield found.address

    return serving


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser, served: str) -> Iterator:
    """The first image, complete."""
    found = opened(browser, request.param)
    found.goto(served)
    complete(found)
    yield found
    found.close()


@pytest.fixture
def desk(browser, served: str) -> Iterator:
    found = opened(browser, "desk")
    found.goto(served)
    complete(found)
    yield found
    found.close()
