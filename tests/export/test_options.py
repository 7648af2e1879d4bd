"""Every file of conf/model as an exported file, at sizes that no network divides evenly."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

from segexp.export import onnx, parity, torch_export
from segexp.export.capture import capture_program
from segexp.inference.segment import Network
from segexp.model.segmenter import Segmenter
from tests.model.options import OPTIONS, build_model

TOLERANCE = 1e-4
IMAGE_SIZE = (64, 96)


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
def test_one_file_of_the_full_size_network_computes_what_pytorch_does(option: str, tmp_path: Path) -> None:
    model = lively(option, {})
    program = capture_program(model)
    for exporter in (torch_export, onnx):
        network = _read_back(program, exporter, tmp_path)
        print(f"{option} {exporter.FILE} {(tmp_path / exporter.FILE).stat().st_size / 1e6:.1f} MB")
        _compare(option, model, network)


def _read_back(program: ExportedProgram, exporter: Any, folder: Path) -> Network:
    exporter.write(program, {}, folder / exporter.FILE)
    return exporter.load_network(folder / exporter.FILE)


def _compare(option: str, model: Segmenter, network: Network) -> None:
    checks = parity.compare_networks(model, network, IMAGE_SIZE, TOLERANCE)
    worst = max(checks, key=lambda each: each.largest_difference)
    print(f"{option}: differs by {worst.largest_difference:.2g} where the largest logit is {worst.largest_logit:.3g}")
    parity.refuse_difference(checks, TOLERANCE)
    assert {tuple(each.image) for each in checks} >= {(2, 3, 33, 47), (1, 3, 32, 32), (1, 3, *IMAGE_SIZE)}


def lively(option: str, overrides: dict[str, Any]) -> Segmenter:
    """Build a network with random weights and statistics of some images: a fresh one's deep features vanish."""
    torch.manual_seed(0)
    model = build_model(option, 5, **overrides)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    image = torch.randint(0, 256, (2, 3, 64, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.train()(image)
        assert model.eval()(image).std() > 0.01
    return model
