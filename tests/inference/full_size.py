"""What a prediction of a large image takes, measured in a process that did nothing before."""

from multiprocessing.connection import Connection

import torch
from torch import nn

from segexp.benchmark.memory import peak_bytes
from segexp.inference.segment import segment
from segexp.inference.settings import Inference


def send_peak(connection: Connection) -> None:
    connection.send(peak_bytes(_segment_cityscapes, torch.device("cpu")))


def _segment_cityscapes() -> None:
    inference = Inference(window=(512, 512), stride=(256, 256), scales=(0.75, 1.0, 1.25), flip=True)
    network = nn.Conv2d(3, 19, 3, padding=1).eval()
    segment(lambda image: network(image.float()), torch.zeros(1, 3, 1024, 2048, dtype=torch.uint8), None, inference)
