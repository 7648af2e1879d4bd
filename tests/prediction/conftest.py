from pathlib import Path

import pytest

from segexp.run import RunFolder
from tests.prediction.command import val_pairs


@pytest.fixture(scope="module")
def photos(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The validation images of the run, in a folder of folders."""
    folder = tmp_path_factory.mktemp("photos")
    for number, pair in enumerate(val_pairs(trained)):
        (folder / f"day{number}").mkdir()
        (folder / f"day{number}" / f"{pair.name}.png").write_bytes(pair.image.read_bytes())
    return folder
