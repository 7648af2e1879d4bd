"""254 stands for unknown labels in lookups, and may itself be the id of a label."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.classes import Grouping
from segexp.data.folder import Folder
from segexp.data.pairs import Pair
from segexp.data.reading import read_target
from segexp.types import VOID

pytestmark = pytest.mark.fast

GROUPING = Grouping("two", {n: {"labels": [n], "color": [len(n)] * 3} for n in ("car", "lorry")})
SIZE = (2, 3)


def pair_with_mask(folder: Path, values: list[int]) -> Pair:
    Image.fromarray(np.array(values, np.uint8).reshape(SIZE)).save(folder / "mask.png")
    return Pair(folder / "image.png", folder / "mask.png", "a")


def test_a_label_of_the_id_254_is_trained_and_evaluated(tmp_path: Path) -> None:
    source = Folder("", "", "", {1: "road", 254: "car", -1: "nothing", 3: "lorry"})
    pair = pair_with_mask(tmp_path, [1, 254, 254, 1, 255, 255])
    train_ids = read_target(source, pair, GROUPING.lookup(source.table), SIZE)
    label_ids = read_target(source, pair, source.table.lookup(), SIZE)
    assert train_ids.ravel().tolist() == [VOID, 0, 0, VOID, VOID, VOID]
    assert label_ids.ravel().tolist() == [1, 254, 254, 1, 255, 255]


@pytest.mark.parametrize("labels", [{1: "lorry", 254: "car"}, {1: "lorry", 2: "car"}])
def test_other_ids_are_still_unknown(tmp_path: Path, labels: dict[int, str]) -> None:
    source = Folder("", "", "", labels)
    pair = pair_with_mask(tmp_path, [1, 254, 253, 1, 7, 1])
    unknown = sorted({7, 253, 254} - labels.keys())
    for lookup in (GROUPING.lookup(source.table), source.table.lookup()):
        with pytest.raises(ValueError, match=rf"holds the ids \{unknown}, which are no labels"):
            read_target(source, pair, lookup, SIZE)
