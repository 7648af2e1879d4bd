"""Every file of conf/model as an exported file, at sizes that no network divides evenly."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn
from torch.export import ExportedProgram

from segexp.export import agreement, onnx, torch_export
from segexp.export.capture import any_size, captured
from segexp.inference.segment import Network
from segexp.model.segmenter import Segmenter
from tests.model.options import FOLDER, OPTIONS, build_model

TOLERANCE = 1e-4
IMAGE_SIZE = (64, 96)
SMALLER: dict[str, Any] = {
    "streams": [4, 8, 8, 8, 8],
    "num_columns_down": 2,
    "num_columns_up": 2,
    "widths": [4, 8, 8, 8, 8],
    "num_convolutions": [1, 1, 1, 1, 1],
    "num_features": 16,
    "encoder": {"resnet34": "resnet18", "vgg16_bn": "vgg11_bn"},
}
"""Fewer layers of the same kinds, where an option has such a key."""


@pytest.mark.parametrize("option", OPTIONS)
def test_one_file_computes_what_pytorch_does_at_every_size(option: str, tmp_path: Path) -> None:
    model = lively(option, _smaller(option))
    program = captured(model)
    with any_size():
        _compare(option, model, program.module())
    _compare(option, model, _read_back(program, onnx, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
def test_so_do_files_of_the_network_at_its_own_size(option: str, tmp_path: Path) -> None:
    model = lively(option, {})
    program = captured(model)
    for kind in (torch_export, onnx):
        network = _read_back(program, kind, tmp_path)
        print(f"{option} {kind.FILE} {(tmp_path / kind.FILE).stat().st_size / 1e6:.1f} MB")
        _compare(option, model, network)


def _read_back(program: ExportedProgram, kind: Any, folder: Path) -> Network:
    kind.write(program, {}, folder / kind.FILE)
    return kind.opened(folder / kind.FILE)


def _compare(option: str, model: Segmenter, network: Network) -> None:
    found = agreement.compare(model, network, IMAGE_SIZE, TOLERANCE)
    worst = max(found, key=lambda each: each.largest_difference)
    print(f"{option}: differs by {worst.largest_difference:.2g} where the largest logit is {worst.largest_logit:.3g}")
    agreement.refuse_difference(found, TOLERANCE)
    assert {tuple(each.image) for each in found} >= {(2, 3, 33, 47), (1, 3, 32, 32), (1, 3, *IMAGE_SIZE)}


def lively(option: str, overrides: dict[str, Any]) -> Segmenter:
    """With random weights and statistics of some images: with those of a fresh network deep features vanish."""
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


def _smaller(option: str) -> dict[str, Any]:
    config = yaml.safe_load((FOLDER / f"{option}.yaml").read_text())
    encoder = {"encoder": SMALLER["encoder"].get(config.get("encoder"))}
    found = {key: value for key, value in (SMALLER | encoder).items() if key in config and value is not None}
    return {key: value for key, value in found.items() if value != config[key]}
