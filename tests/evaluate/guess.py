"""Evaluations of a network that guesses: every class is predicted somewhere, right and wrong."""

import functools
from pathlib import Path
from typing import cast

import torch
from torch import nn

from segexp import build
from segexp.classes import Grouping
from segexp.config.compose import compose
from segexp.data.streets import Streets
from segexp.evaluate.image_counts import CountingTask
from segexp.evaluate.result import Evaluation, metric_settings
from segexp.evaluate.split import EvaluationJob, evaluate
from segexp.inference.settings import Inference
from segexp.types import Values


@functools.cache
def metric_options() -> Values:
    return cast(Values, compose("evaluate", ["run=RUN"])["metric"])


class Guess(nn.Module):
    """Blocks of random classes, the same for the same image in any process; a convolution adds a little."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        generator = torch.Generator().manual_seed(int(image.sum()))
        coarse = torch.randn(len(image), self.num_classes, 12, 24, generator=generator)
        weight = torch.randn(self.num_classes, 3, 33, 33, generator=torch.Generator().manual_seed(0)) / 100
        return nn.functional.interpolate(coarse, image.shape[-2:]) + nn.functional.conv2d(
            image / 255, weight, padding=16
        )


def evaluate_guess(streets_root: Path, classes: str, folder: Path | None = None, num_processes: int = 1) -> Evaluation:
    """Evaluate the val split of rendered streets; folder: for predictions."""
    return evaluate(evaluation_job(streets_root, classes, folder, num_processes))


def evaluation_job(
    streets_root: Path, classes: str, folder: Path | None = None, num_processes: int = 1
) -> EvaluationJob:
    source = Streets(str(streets_root), num_train=6, num_val=5, height=128, width=256)
    classes_asked_for = grouping(classes)
    task = CountingTask(
        Guess(classes_asked_for.num_classes),
        classes_asked_for,
        source,
        source.pairs("val"),
        image_size=None,
        bit_depth=None,
        inference=Inference(),
        metrics=build.metrics(metric_options()),
        with_pictures=True,
        precision="float32",
        predictions=folder and folder.with_name(f".{folder.name}"),
    )
    facts = {"split": "val", "checkpoint": "best", "image_size": None, "fingerprint": "0", "precision": "float32"}
    facts |= {"metric": metric_settings(metric_options()), "folder": str(folder)}
    return EvaluationJob(task, [torch.device("cpu")], num_processes, 2, facts, folder)


@functools.cache
def grouping(option: str) -> Grouping:
    return build.grouping(compose("train", [f"classes={option}"]))
