"""Chromium, and servers for it to open: the real command on a small run."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from segexp.run.folder import RunFolder
from tests.browser.page import SIZES, open_page, wait_until_complete
from tests.serve.server_process import PATIENCE, environment, server_process

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Options that keep Chromium from requests of its own."""


@pytest.fixture(scope="session")
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium")
    assert executable, "no chromium; run make test-browser as root, or install it"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=QUIET, timeout=1000 * PATIENCE)
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
    with server_process(f"run={evaluated}", "device=cpu") as server:
        yield server.address


@pytest.fixture
def serve(evaluated: Path) -> Callable:
    """A function serve(*overrides, **environment): a context with the address of another server."""

    @contextmanager
    def run_server(*overrides: str, **environment: str) -> Iterator[str]:
        with server_process(f"run={evaluated}", "device=cpu", *overrides, **environment) as server:
            yield server.address

    return run_server


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser, served: str) -> Iterator:
    """The page in each size, with the first image complete."""
    page = open_page(browser, request.param)
    page.goto(served)
    wait_until_complete(page)
    yield page
    page.close()


@pytest.fixture
def desk(browser, served: str) -> Iterator:
    page = open_page(browser, "desk")
    page.goto(served)
    wait_until_complete(page)
    yield page
    page.close()
