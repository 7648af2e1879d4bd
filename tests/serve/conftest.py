"""One evaluated run with data of its own, and the servers that tests share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.data.pairs import Pair
from segexp.data.streets import Streets
from segexp.evaluate.files import save_evaluation
from segexp.evaluate.split import evaluate, prepare_evaluation
from segexp.run.folder import RunFolder
from tests.evaluate.options import evaluate_settings
from tests.serve.server_process import Server, running_server


@pytest.fixture(scope="session")
def data_root(trained: RunFolder, streets_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the data of the run, which a test may break."""
    in_the_making = shutil.ignore_patterns("*.partial", "*.lock")  # by tests beside this one
    return Path(shutil.copytree(streets_root, tmp_path_factory.mktemp("data") / "streets", ignore=in_the_making))


@pytest.fixture(scope="session")
def pairs(data_root: Path) -> list[Pair]:
    return Streets(str(data_root), num_train=6, num_val=3, height=64, width=128).pairs("val")


@pytest.fixture(scope="session")
def run(trained: RunFolder, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with an evaluation and its predictions."""
    run = RunFolder.open(shutil.copytree(trained.path, tmp_path_factory.mktemp("served") / "run"))
    shutil.rmtree(run.path / "evaluation", ignore_errors=True)
    folder = run.evaluation("val")
    job = prepare_evaluation(run, evaluate_settings(data={"root": data_root}), folder / "predictions")
    save_evaluation(evaluate(job), run, folder)
    return run


@pytest.fixture(scope="session")
def server(run: RunFolder, data_root: Path) -> Iterator[Server]:
    with running_server(f"run={run.path}", f"data.root={data_root}") as server:
        yield server


@pytest.fixture(scope="session")
def strict_server(run: RunFolder, pairs: list[Pair], data_root: Path) -> Iterator[Server]:
    """A server with small limits and a token; its last image makes a large PNG, the one before it is torn."""
    root = Path(shutil.copytree(data_root, data_root.with_name("strict")))
    torn, large = (Pair(*(root / path.relative_to(data_root) for path in pair[:2]), pair.name) for pair in pairs[1:])
    torn.image.write_bytes(torn.image.read_bytes()[:200])
    noise = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), np.uint8)
    Image.fromarray(noise).save(large.image)
    Image.new("L", (1024, 1024), 7).save(large.mask)
    limits = ["max_upload_bytes=1048576", "max_pixels=1048576", "max_queue=4", "client_seconds=5"]
    with running_server(f"run={run.path}", f"data.root={root}", *limits, SEGEXP_TOKEN="secret") as server:
        server.client.headers["authorization"] = "Bearer secret"
        yield server
