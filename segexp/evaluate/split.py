"""A finished training -> the counts of every image of a split."""

import shutil
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track

from segexp import build
from segexp.data.bit_depth import unused_bits
from segexp.data.pairs import Pair, fingerprint
from segexp.display.scene_sheet import SheetRow, worst_and_best
from segexp.evaluate.image_counts import CountingTask, ImageCounts
from segexp.evaluate.processes import count_images
from segexp.evaluate.result import Evaluation, metric_settings
from segexp.evaluate.settings import EvaluateSettings
from segexp.inference.devices import find_devices
from segexp.inference.model import load_model
from segexp.inference.ready import ReadyNetwork, arithmetic_on
from segexp.inference.trusted_parts import source_of_run
from segexp.run.folder import RunFolder
from segexp.types import Counts, Size, Values


@dataclass(frozen=True)
class EvaluationJob:
    """Everything an evaluation needs, collected before it starts.

    num_scenes: on the sheet. facts: what its scores depend on, and where the data was. predictions: where label ids
    stand once all are written.
    """

    task: CountingTask
    devices: list[torch.device]
    num_processes: int
    num_scenes: int
    facts: dict[str, Any]
    predictions: Path | None


def prepare_evaluation(run: RunFolder, settings: EvaluateSettings, predictions: Path | None = None) -> EvaluationJob:
    """Load the network and list the images. predictions: folder for label ids as PNG, None for none."""
    trained_until = run.status().get("time")  # before the weights are read: a training may go on meanwhile
    source, (image_size, bit_depth) = source_of_run(run, settings.data)
    pairs = source.pairs(settings.split)
    if problem := unused_bits([pair.image for pair in pairs], bit_depth, "+data.bit_depth"):
        print(f"warning: {problem}")
    devices = find_devices(settings.device)
    arithmetic = arithmetic_on(devices[0], settings)
    network = load_model(run, settings.checkpoint, settings.weights)
    print(f"network in {arithmetic}")
    facts: Values = {
        "split": settings.split,
        "checkpoint": settings.checkpoint,
        "step": network.step,
        "trained_until": trained_until,
        "num_images": len(pairs),
        "image_size": list(image_size) if image_size else None,
        "fingerprint": fingerprint(pairs),
        "data": {key: str(value) for key, value in settings.data.items()},
        "label_ids": [list(ids) for ids in network.grouping.label_ids(source.table)],
        "metric": metric_settings(settings.metric),
        "precision": arithmetic.precision,
        "memory_format": arithmetic.memory_format,
    }
    facts |= {"weights": "raw"} if network.weights == "raw" else {}  # only what is not the default
    facts |= {"bit_depth": bit_depth} if bit_depth else {}
    inference = settings.non_default_values()
    facts |= {"inference": inference} if inference else {}
    if settings.window and image_size:  # earlier versions cut windows of that size out of the resized image
        facts["window_unit"] = "pixel of the image"
    task = CountingTask(
        ReadyNetwork(network.model, arithmetic),
        network.grouping,
        source,
        pairs,
        image_size,
        bit_depth,
        settings,
        build.metrics(settings.metric),
        settings.num_scenes > 0,
        arithmetic.precision,
        predictions and predictions.with_name(f".{predictions.name}"),
    )
    num_processes = min(settings.num_processes, len(pairs))
    return EvaluationJob(task, devices, num_processes, settings.num_scenes, facts, predictions)


def evaluate(job: EvaluationJob, store: Callable[[Evaluation], None] | None = None) -> Evaluation:
    """Segment whole images and compare them with their masks at native size.

    store: is called with the evaluation before the predictions take their place, so that they never stand beside the
    scores of another evaluation, however this one ends.
    """
    task, partial = job.task, job.task.predictions
    if partial:
        shutil.rmtree(partial, ignore_errors=True)  # of an evaluation that was killed
    try:
        with closing(count_images(task, job.devices, job.num_processes)) as images:
            counts, rows = _collect(track(images, f"evaluating {len(task.pairs)} images", len(task.pairs)), job)
        _say_if_without_effect(task.inference.window, counts)
        evaluation = _evaluation(job, counts, rows)
        if store:
            store(evaluation)
        if partial and job.predictions:  # all at once, so that the predictions of two models never mix
            shutil.rmtree(job.predictions, ignore_errors=True)
            partial.rename(job.predictions)
    finally:
        if partial:
            shutil.rmtree(partial, ignore_errors=True)
    return evaluation


def _collect(images: Iterable[ImageCounts], job: EvaluationJob) -> tuple[list[ImageCounts], list[SheetRow]]:
    """The counts of all images, and the rows of the sheet; those of other images are dropped at once."""
    counts, rows = list[ImageCounts](), list[SheetRow]()
    for image in images:
        rows = worst_and_best([*rows, image.sheet_row], job.num_scenes) if image.sheet_row else rows
        counts.append(image._replace(sheet_row=None))
    return counts, rows


def _say_if_without_effect(window: Size | None, counts: list[ImageCounts]) -> None:
    if window and not any(each.windowed for each in counts):
        print(f"window={list(window)} changed nothing: every image fits into it; set a smaller one".replace(", ", ","))


def _evaluation(job: EvaluationJob, counts: list[ImageCounts], rows: list[SheetRow]) -> Evaluation:
    task = job.task
    return Evaluation(
        task.grouping,
        task.table,
        [pair.name for pair in task.pairs],
        _file_paths(task.pairs),
        _stacked([each.counts for each in counts]),
        task.metrics,
        job.facts,
        rows,
    )


def _file_paths(pairs: list[Pair]) -> dict[str, list[str]]:
    return {
        "images": [str(pair.image.absolute()) for pair in pairs],
        "masks": [str(pair.mask.absolute()) for pair in pairs],
    }


def _stacked(counts: list[dict[str, Counts]]) -> dict[str, Counts]:
    """Counts of all images, name -> [N, ...]; what was not counted in every image is left out.

    Raises ValueError for counts that have not the same shape in all images.
    """
    stacked = {}
    for name in dict.fromkeys(name for each in counts for name in each):
        arrays = [each[name] for each in counts if name in each]
        shapes = sorted({array.shape for array in arrays})
        if len(shapes) > 1:
            raise ValueError(f"{name} has the shapes {shapes} in different images; a metric counts in one shape only")
        if len(arrays) == len(counts):
            stacked[name] = np.stack(arrays)
        else:
            missing = len(counts) - len(arrays)
            print(f"no scores from {name}: {missing} of {len(counts)} images lack its file, such as *_instanceIds.png")
    return stacked
