"""A network -> the graph of what it computes, for batches and images of any size."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.export import Dim, ExportedProgram
from torch.fx.experimental import _config as shapes

from segexp.types import SMALLEST_SIDE

EXAMPLE = (2, 3, 65, 97)
"""Odd on purpose: a size that divides by everything would hide a wrong assumption."""


def capture_program(model: nn.Module) -> ExportedProgram:
    """Capture the graph of a network in evaluation mode: image uint8 [B, 3, H, W] -> logits, sides from SMALLEST_SIDE.

    Raises ValueError for a network whose steps depend on more than the shape of the image.
    """
    axes = {0: Dim("batch"), 2: Dim("height", min=SMALLEST_SIDE), 3: Dim("width", min=SMALLEST_SIDE)}
    image = torch.zeros(EXAMPLE, dtype=torch.uint8)
    try:
        with any_size():
            program = torch.export.export(
                model, (image,), dynamic_shapes=(axes,), prefer_deferred_runtime_asserts_over_guards=True
            )
    except Exception as error:
        raise ValueError(
            f"torch.export cannot follow this network ({first_line(error)}); make its forward depend on nothing but "
            "tensors and their shapes (segexp/model/ has examples), or export a run of another model="
        ) from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of this machine are no business of whoever gets the file
    return program


@contextmanager
def any_size() -> Iterator[None]:
    """Let torch assume nothing about a size of 1, as PyTorch's own ONNX exporter does: else 32 / 32 is forbidden."""
    with shapes.patch(backed_size_oblivious=True), warnings.catch_warnings():  # type: ignore[attr-defined]
        warnings.filterwarnings("ignore", ".*LeafSpec.*")  # torch 2.13 calls what it deprecates itself
        yield


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
