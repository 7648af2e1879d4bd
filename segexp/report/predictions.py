"""What evaluations left of single images: files of image and mask, predicted label ids, colours of the classes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segexp.classes import written
from segexp.pictures import Bytes
from segexp.run import RunFolder
from segexp.types import VOID
from segexp.verdict.comparison import Comparison
from segexp.verdict.evaluated import Run


@dataclass(frozen=True)
class Predictions:
    """runs: variant -> the one of its runs that has predictions. images, masks: a file for each of image_names.

    lookup: train id of every byte of a mask or prediction, [256]; what is in no class is void.
    colors: uint8 [C, 3].
    """

    split: str
    runs: dict[str, Run]
    image_names: tuple[str, ...]
    class_names: tuple[str, ...]
    images: list[Path]
    masks: list[Path]
    lookup: Bytes
    colors: Bytes

    def file(self, run: Run, image_name: str) -> Path:
        return _folder(run, self.split) / f"{image_name}.png"


def predictions(comparison: Comparison) -> Predictions | str:
    """What pictures are made of, or a sentence about what is missing."""
    split = comparison.split
    by_variant = {row.name: [comparison.variants[row.name][seed] for seed in row.seeds] for row in comparison.rows}
    runs = {
        name: run
        for name, each in by_variant.items()
        if (run := next((run for run in each if _folder(run, split).is_dir()), None)) is not None
    }
    if not runs:
        return "No run has kept its predictions."
    run = next(iter(runs.values()))
    colors, lookup, files = _colors(run), _lookup(run), _files(run, split)
    if colors is None or lookup is None or files is None:
        return "These runs were evaluated by an earlier version, which did not note the files of the images."
    return Predictions(split, runs, run.image_names, run.class_names, *files, lookup, colors)


def _folder(run: Run, split: str) -> Path:
    return RunFolder(run.path).evaluation(split) / "predictions"


def _files(run: Run, split: str) -> tuple[list[Path], list[Path]] | None:
    with np.load(RunFolder(run.path).evaluation(split) / "confusion.npz") as stored:
        if not {"images", "masks"} <= set(stored.files):
            return None
        images, masks = ([Path(path) for path in stored[key].tolist()] for key in ("images", "masks"))
    return (images, masks) if len(images) == len(masks) == len(run.image_names) else None


def _lookup(run: Run) -> Bytes | None:
    label_ids = run.facts.get("label_ids")
    if not label_ids:
        return None
    lookup = np.full(256, VOID, np.uint8)
    for train_id, ids in enumerate(label_ids):
        lookup[[written(label_id) for label_id in ids]] = train_id
    return lookup


def _colors(run: Run) -> Bytes | None:
    colors = [run.settings.get(f"classes.classes.{name}.color") for name in run.class_names]
    return None if None in colors else np.array(colors, np.uint8)
