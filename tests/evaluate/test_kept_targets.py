"""An evaluation keeps the label ids of those masks whose own files do not hold them, beside the predictions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from segexp.data.cityscapes import CITYSCAPES
from segexp.data.pairs import Pair
from segexp.data.reading import read_mask
from segexp.evaluate.split import evaluate
from segexp.types import Bytes
from tests.evaluate.guess import evaluation_job

ROAD = 7


class PavedFirst:
    """Reads the first scene as if all of it were road, and the others as their files are."""

    table = CITYSCAPES

    def __init__(self, pairs: list[Pair]) -> None:
        self.listed = pairs

    def pairs(self, split: str) -> list[Pair]:
        return self.listed

    def mask(self, pair: Pair) -> Bytes:
        label_ids = read_mask(pair.mask)
        return np.full_like(label_ids, ROAD) if pair == self.listed[0] else label_ids


def test_only_label_ids_that_no_file_holds_are_kept(streets_root: Path, tmp_path: Path) -> None:
    job = evaluation_job(streets_root, "cityscapes8", tmp_path / "predictions")
    pairs = job.task.pairs
    evaluation = evaluate(replace(job, task=replace(job.task, source=PavedFirst(pairs))))
    kept = sorted((tmp_path / "predictions/targets").iterdir())
    assert [file.stem for file in kept] == [pairs[0].name]
    assert (np.array(Image.open(kept[0])) == ROAD).all()
    assert len([*(tmp_path / "predictions").glob("*.png")]) == len(pairs)
    labels = evaluation.counts["labels"][0].sum(1)
    assert labels[[label.id for label in CITYSCAPES.labels].index(ROAD)] == labels.sum() == 128 * 256
