"""Files that evaluations kept of single images: the image, its mask, and the predictions of each variant."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segexp.classes import mask_value
from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.evaluated_run import Run
from segexp.metric.counts_file import read_arrays
from segexp.run.folder import RunFolder
from segexp.types import VOID, Bytes


@dataclass(frozen=True)
class Predictions:
    """runs: variant -> its first run that has predictions. images, masks: a file for each of image_names; masks
    are PNGs of label ids.

    lookup: train id of every label id in a mask or prediction, [256]; a label of no class is void.
    colors: of the classes, uint8 [C, 3]. damaged: a sentence for each run whose predictions cannot be used.
    bit_depth: of the images, see `segexp.data.image.upright`.
    """

    split: str
    runs: dict[str, Run]
    image_names: tuple[str, ...]
    class_names: tuple[str, ...]
    images: list[Path]
    masks: list[Path]
    lookup: Bytes
    colors: Bytes
    damaged: list[str]
    bit_depth: int | None

    def file(self, run: Run, image_name: str) -> Path:
        return _folder(run, self.split) / f"{image_name}.png"


def find_predictions(comparison: Comparison) -> Predictions | str:
    """The predictions of the runs, or a sentence that says what is missing."""
    kept, damaged = _runs_with_predictions(comparison), []
    for number, (_, run) in enumerate(kept):
        try:
            files = _files(run, comparison.split)
        except ValueError as error:
            damaged.append(" ".join(str(error).split()))
            continue
        colors, lookup = _colors(run), _lookup(run)
        if colors is None or lookup is None or files is None:
            return "These runs were evaluated by an earlier version, which did not note the files of the images."
        runs = dict(reversed(kept[number:]))  # the first run of each variant
        depth = run.facts.get("bit_depth")
        bit_depth = depth if depth in range(8, 17) else None
        names = (run.image_names, run.class_names)
        return Predictions(comparison.split, runs, *names, *files, lookup, colors, damaged, bit_depth)
    return " ".join(["No run has kept its predictions.", *(f"{reason}." for reason in damaged)])


def _runs_with_predictions(comparison: Comparison) -> list[tuple[str, Run]]:
    """The name of the variant and the run, for each run that has predictions."""
    every = [(row.name, comparison.variants[row.name][seed]) for row in comparison.rows for seed in row.seeds]
    return [(name, run) for name, run in every if _folder(run, comparison.split).is_dir()]


def _folder(run: Run, split: str) -> Path:
    return RunFolder(run.path).evaluation(split) / "predictions"


def _files(run: Run, split: str) -> tuple[list[Path], list[Path]] | None:
    stored = read_arrays(RunFolder(run.path).evaluation(split) / "confusion.npz", "images", "masks")
    if len(stored) < 2:
        return None
    images, masks = ([Path(path) for path in stored[key].tolist()] for key in ("images", "masks"))
    if not len(images) == len(masks) == len(run.image_names):
        return None
    return images, [_target_file(run, split, *each) for each in zip(run.image_names, masks, strict=True)]


def _target_file(run: Run, split: str, image_name: str, mask: Path) -> Path:
    """The label ids that the evaluation kept, or the mask itself, which holds them where it kept none."""
    kept = _folder(run, split) / "targets" / f"{image_name}.png"
    return kept if kept.is_file() else mask


def _lookup(run: Run) -> Bytes | None:
    label_ids = run.facts.get("label_ids")
    if not label_ids:
        return None
    lookup = np.full(256, VOID, np.uint8)
    for train_id, ids in enumerate(label_ids):
        lookup[[mask_value(label_id) for label_id in ids]] = train_id
    return lookup


def _colors(run: Run) -> Bytes | None:
    colors = [run.settings.get(f"classes.classes.{name}.color") for name in run.class_names]
    return None if None in colors else np.array(colors, np.uint8)
