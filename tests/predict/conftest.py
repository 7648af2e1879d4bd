from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.run.folder import RunFolder
from tests.predict.command import val_pairs
from tests.predict.videos import TIMES


@pytest.fixture(scope="module")
def images(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The validation images of the run, in a folder of folders."""
    folder = tmp_path_factory.mktemp("images")
    for number, pair in enumerate(val_pairs(trained)):
        (folder / f"day{number}").mkdir()
        (folder / f"day{number}" / f"{pair.name}.png").write_bytes(pair.image.read_bytes())
    return folder


@pytest.fixture
def frames(trained: RunFolder) -> list[np.ndarray]:
    pictures = [np.array(Image.open(pair.image).convert("RGB")) for pair in val_pairs(trained)]
    return [pictures[number % len(pictures)][:63, :127] for number in range(len(TIMES))]  # odd sizes
