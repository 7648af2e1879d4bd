"""No score is told of a network whose answers are no numbers."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from segexp.evaluate.tally import tally
from segexp.inference.settings import Inference
from tests.evaluate.guess import prepared


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
    ("value", "how", "cure"),
    [
        (1e6, Inference(precision="float16"), "logits in float16; add precision=float32"),
        (1e6, Inference(precision="float16", flip=True), "logits in float16; add precision=float32"),
        (float("nan"), Inference(), "logits in float32; choose another checkpoint="),
        (float("inf"), Inference(), "logits in float32; choose another checkpoint="),
    ],
)
def test_an_answer_that_is_not_finite_is_refused_by_name(
    streets_root: Path, value: float, how: Inference, cure: str
) -> None:
    job = prepared(streets_root, "cityscapes19").job
    job = replace(job, model=Overflowing(value), inference=how)
    said = f"the network answers {job.pairs[0].image} with NaN or infinite {cure}"
    with pytest.raises(ValueError, match=re.escape(said)):
        tally(job, 0, torch.device("cpu"))


def test_a_large_answer_in_single_precision_is_scored(streets_root: Path) -> None:
    job = replace(prepared(streets_root, "cityscapes19").job, model=Overflowing(1e6))
    assert tally(job, 0, torch.device("cpu")).calibration[:, 0].sum() > 0
