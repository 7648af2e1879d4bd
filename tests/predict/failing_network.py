"""python -m tests.predict.failing_network VIDEO FOLDER: a video, by a network that fails with its third frame."""

import sys
from pathlib import Path

import torch
from rich.progress import Progress

from segexp.predict.inputs import Input
from segexp.predict.video import predict_video
from tests.predict.command import make_outputs

calls = []


def network(images: torch.Tensor) -> torch.Tensor:
    calls.append(1)
    if len(calls) > 2:
        raise RuntimeError("the network fails")
    return images[..., 0] % 19


if __name__ == "__main__":
    outputs = make_outputs(Path(sys.argv[2]))
    predict_video(Input(Path(sys.argv[1]), "video", True), network, outputs, 1, Progress())
