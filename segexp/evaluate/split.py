"""A finished training -> the counts of every image of a split."""

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from rich.progress import track

from segexp.data.pairs import Pair, fingerprint
from segexp.evaluate.processes import tallies
from segexp.evaluate.result import Evaluation
from segexp.evaluate.tally import Job, Tally
from segexp.inference.devices import find_devices
from segexp.inference.model import load_model
from segexp.inference.settings import Inference
from segexp.inference.trusted_parts import source_of_run
from segexp.run.folder import RunFolder


@dataclass(frozen=True)
class Wish:
    """What is to be evaluated, and how.

    data_values: settings of the run's data to be replaced, such as root. num_scenes: how many images to draw, spread
    evenly. boundary_width: of boundary IoU. num_processes: that share the images; device: see `build.devices`.
    """

    PLAIN: ClassVar = ("split", "checkpoint", "device", "num_processes", "boundary_width", "num_scenes")

    split: str = "val"
    checkpoint: str = "best"
    device: str = "auto"
    num_processes: int = 1
    inference: Inference = field(default_factory=Inference)
    boundary_width: float = 0.02
    num_scenes: int = 6
    data_values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """What an evaluation needs, found before it starts.

    facts: that its scores depend on, and where the data was. predictions: where label ids stand once all are there.
    """

    job: Job
    devices: list[torch.device]
    num_processes: int
    facts: dict[str, Any]
    predictions: Path | None


def prepare(run: RunFolder, wish: Wish, predictions: Path | None = None) -> Prepared:
    """Load the network and list the images. predictions: folder for label ids as PNG, None for none."""
    trained_until = run.status().get("time")  # before the weights are read: a training may go on meanwhile
    source, image_size = source_of_run(run, wish.data_values)
    pairs = source.pairs(wish.split)
    devices = find_devices(wish.device)
    found = load_model(run, wish.checkpoint)
    num_scenes = max(0, min(wish.num_scenes, len(pairs)))
    drawn = frozenset(np.linspace(0, len(pairs) - 1, num_scenes).round().astype(int).tolist())
    facts = {
        "split": wish.split,
        "checkpoint": wish.checkpoint,
        "step": found.step,
        "trained_until": trained_until,
        "num_images": len(pairs),
        "image_size": list(image_size) if image_size else None,
        "fingerprint": fingerprint(pairs),
        "data": {key: str(value) for key, value in wish.data_values.items()},
        "boundary_width": wish.boundary_width,
        "label_ids": [list(ids) for ids in found.grouping.label_ids(source.table)],
    }
    changed = wish.inference.non_default_values()
    facts |= {"inference": changed} if changed else {}
    partial = predictions and predictions.with_name(f".{predictions.name}")
    inference, width = wish.inference, wish.boundary_width
    job = Job(found.model, found.grouping, source.table, pairs, image_size, inference, width, drawn, partial)
    return Prepared(job, devices, min(wish.num_processes, len(pairs)), facts, predictions)


def evaluate(prepared: Prepared, keep: Callable[[Evaluation], None] | None = None) -> Evaluation:
    """Segment whole images and compare at their native size.

    keep: told of what was found before the predictions take their place, so that none ever stand beside the scores of
    another evaluation, however this one ends.
    """
    job, partial = prepared.job, prepared.job.predictions
    if partial:
        shutil.rmtree(partial, ignore_errors=True)  # of an evaluation that was killed
    try:
        with closing(tallies(job, prepared.devices, prepared.num_processes)) as found:
            counted = list(track(found, f"evaluating {len(job.pairs)} images", total=len(job.pairs)))
        evaluation = _evaluation(prepared, counted)
        if keep:
            keep(evaluation)
        if partial and prepared.predictions:  # all at once, so that the predictions of two models never mix
            shutil.rmtree(prepared.predictions, ignore_errors=True)
            partial.rename(prepared.predictions)
    finally:
        if partial:
            shutil.rmtree(partial, ignore_errors=True)
    return evaluation


def _evaluation(prepared: Prepared, counted: list[Tally]) -> Evaluation:
    job = prepared.job
    return Evaluation(
        job.grouping,
        job.table,
        [pair.name for pair in job.pairs],
        _files(job.pairs),
        np.stack([each.labels for each in counted]),
        prepared.facts,
        np.stack([each.boundary for each in counted]),
        np.stack([each.calibration for each in counted]),
        _numbered_instances(counted),
        [each.scene for each in counted if each.scene],
    )


def _files(pairs: list[Pair]) -> dict[str, list[str]]:
    return {
        "images": [str(pair.image.absolute()) for pair in pairs],
        "masks": [str(pair.mask.absolute()) for pair in pairs],
    }


def _numbered_instances(counted: list[Tally]) -> np.ndarray | None:
    """Rows of every image, with its number before them; None if one image has no instances to tell of."""
    found = [each.instances for each in counted]
    rows = [np.insert(rows, 0, number, axis=1) for number, rows in enumerate(found) if rows is not None]
    if 0 < len(rows) < len(counted):
        print(f"no iIoU: {len(counted) - len(rows)} of {len(counted)} images have no *_instanceIds.png")
    return np.concatenate(rows) if len(rows) == len(counted) else None
