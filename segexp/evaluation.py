"""A finished training -> per-image confusion matrices, scores and pictures of a split."""

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from rich.progress import track
from torch import nn
from torch.utils.data import DataLoader

from segexp import build, checkpoint, pictures
from segexp.classes import Grouping, LabelTable
from segexp.data.loading import loader
from segexp.data.pairs import Source, fingerprint
from segexp.data.sampler import EvaluationSampler
from segexp.data.samples import EvaluationSamples
from segexp.files import write_whole
from segexp.metric import scores
from segexp.metric.confusion import confusion_matrix, prediction, resized
from segexp.run import RunFolder
from segexp.types import Sample


@dataclass(frozen=True)
class Evaluation:
    """Scores of one split.

    confusions: one matrix an image, int64 [N, C, C], rows true, columns predicted. names: of the N images.
    """

    grouping: Grouping
    table: LabelTable
    names: list[str]
    confusions: npt.NDArray[np.int64]
    scenes: list[pictures.Scene]
    facts: dict[str, Any]

    @property
    def confusion(self) -> scores.Confusion:
        """Of the whole split: every score of a split is derived from this sum."""
        return self.confusions.sum(0)


def evaluate(
    run: RunFolder,
    split: str,
    checkpoint_name: str,
    data_values: dict[str, Any],
    num_scenes: int,
    device: torch.device,
    predictions: Path | None,
) -> Evaluation:
    """Segment whole images and compare at their native size.

    data_values: settings of the run's data to be replaced, such as root. num_scenes: how many to draw, spread evenly.
    predictions: folder for a PNG of label ids for each image, None for none.
    """
    model, grouping = load(run, checkpoint_name, device)
    source, image_size = build.source_of_run(run, data_values)
    pairs = source.pairs(split)
    samples = EvaluationSamples(pairs, grouping.lookup(source.table), image_size)
    drawn = set(np.linspace(0, len(pairs) - 1, max(0, min(num_scenes, len(pairs)))).round().astype(int).tolist())
    partial = predictions and predictions.with_name(f".{predictions.name}")
    if partial:
        shutil.rmtree(partial, ignore_errors=True)  # of an evaluation that was killed
    names, confusions, scenes = [], [], []
    for index, (sample, predicted) in enumerate(_segmented(model, samples, device)):
        confusions.append(confusion_matrix(predicted, sample.target.to(device), grouping.num_classes))
        names.append(sample.name[0])
        if partial:
            _write_labels(partial / f"{names[-1]}.png", predicted[0], grouping, source)
        if index in drawn:
            scenes.append(_scene(sample, predicted))
    if partial and predictions:  # all at once, so that the predictions of two models never mix
        shutil.rmtree(predictions, ignore_errors=True)
        partial.rename(predictions)
    facts = {
        "split": split,
        "checkpoint": checkpoint_name,
        "num_images": len(pairs),
        "image_size": image_size,
        "fingerprint": fingerprint(pairs),
        "data": {key: str(value) for key, value in data_values.items()},
    }
    return Evaluation(grouping, source.table, names, torch.stack(confusions).cpu().numpy(), scenes, facts)


def load(run: RunFolder, checkpoint_name: str, device: torch.device) -> tuple[nn.Module, Grouping]:
    """The trained model, ready to predict, and what its channels stand for."""
    config = build.trusted(run.config)
    model = build.model(config)
    checkpoint.load_model(model, run.checkpoint(checkpoint_name))
    return model.to(device).eval(), build.grouping(config)


def save(evaluation: Evaluation, run: RunFolder) -> Path:
    """Write metrics.json, confusion.npz and pictures into the run's evaluation/<split>/; returns that folder."""
    folder = run.evaluation(evaluation.facts["split"])
    names, colors = evaluation.grouping.names, evaluation.grouping.colors
    matrices = io.BytesIO()
    np.savez_compressed(matrices, confusions=evaluation.confusions, names=evaluation.names, classes=names)
    write_whole(folder / "confusion.npz", matrices.getvalue())
    categories = evaluation.grouping.categories(evaluation.table)
    measured = scores.named(evaluation.confusion, names, categories)
    write_whole(folder / "metrics.json", json.dumps({**evaluation.facts, "metrics": measured}, indent=2))
    if evaluation.scenes:
        pictures.save(pictures.sheet(evaluation.scenes, names, colors), folder / "sheet.png")
    pictures.save(pictures.confusion_heatmap(evaluation.confusion, names), folder / "confusion.png")
    pictures.save(pictures.learning_curves(run.history()), run.pictures / "learning_curves.png")
    return folder


def _segmented(
    model: nn.Module, samples: EvaluationSamples, device: torch.device
) -> Iterator[tuple[Sample, torch.Tensor]]:
    batches: DataLoader = loader(samples, EvaluationSampler(len(samples)), batch_size=1, num_workers=0)
    with torch.inference_mode():
        for sample in track(batches, f"evaluating {len(samples)} images"):
            logits = model(sample.image.to(device, non_blocking=True))
            yield sample, prediction(resized(logits, sample.target))


def _scene(sample: Sample, predicted: torch.Tensor) -> pictures.Scene:
    image = sample.image[0].permute(1, 2, 0).numpy()
    return pictures.Scene(sample.name[0], image, sample.target[0].numpy(), predicted[0].cpu().numpy())


def _write_labels(path: Path, predicted: torch.Tensor, grouping: Grouping, source: Source) -> None:
    """Each class as the id of its first label, the form in which benchmarks take predictions."""
    ids = np.array([ids[0] % 256 for ids in grouping.label_ids(source.table)], dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(ids[predicted.cpu().numpy()]).save(path)
