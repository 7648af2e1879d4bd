"""A network whose logits are not finite gets no score, and whatever is refused is told with the image."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from segexp.evaluate.image_counts import count_image
from segexp.inference.ready import ReadyNetwork
from segexp.inference.settings import Inference
from segexp.model.segmenter import Segmenter
from segexp.system.arithmetic import decide
from segexp.types import Precision
from tests.evaluate.guess import evaluation_job


class Overflowing(nn.Module):
    """One logit of one pixel may be beyond what half precision holds."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(image), 19, *image.shape[-2:])
        logits[0, 5, 40, 40] = self.value
        return logits.to(torch.get_autocast_dtype("cpu")) if torch.is_autocast_enabled("cpu") else logits


@pytest.mark.parametrize(
    ("value", "precision", "inference", "cure"),
    [
        (1e6, "float16", Inference(), "in float16; add precision=float32"),
        (1e6, "float16", Inference(flip=True), "in float16; add precision=float32"),
        (float("nan"), "float32", Inference(), "in float32; choose another checkpoint="),
        (float("inf"), "float32", Inference(), "in float32; choose another checkpoint="),
    ],
)
def test_logits_that_are_not_finite_are_refused_by_the_name_of_their_image(
    streets_root: Path, value: float, precision: Precision, inference: Inference, cure: str
) -> None:
    task = evaluation_job(streets_root, "cityscapes19").task
    model = ReadyNetwork(Overflowing(value), decide(precision, "auto", torch.device("cpu")))
    task = replace(task, model=model, inference=inference, precision=precision)
    message = f"the network gives NaN or infinite logits for {task.pairs[0].image} {cure}"
    with pytest.raises(ValueError, match=re.escape(message)):
        count_image(task, 0, torch.device("cpu"))


def test_a_large_logit_in_single_precision_is_scored(streets_root: Path) -> None:
    task = replace(evaluation_job(streets_root, "cityscapes19").task, model=Overflowing(1e6))
    assert count_image(task, 0, torch.device("cpu")).counts["calibration"][:, 0].sum() > 0


def test_what_the_network_refuses_is_told_with_the_image(streets_root: Path) -> None:
    task = evaluation_job(streets_root, "cityscapes19").task
    network = Segmenter(nn.Conv2d(3, 19, 1), stride=1)
    task = replace(task, model=network, inference=Inference(scales=(0.1,)))
    message = f"{task.pairs[0].image}: image: found [1, 3, "
    with pytest.raises(ValueError, match=re.escape(message)):
        count_image(task, 0, torch.device("cpu"))
