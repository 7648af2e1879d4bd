"""A network -> the graph of what it computes, for batches and images of any size."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.export import Dim, ExportedProgram
from torch.fx.experimental import _config as shapes

from segexp.export.interface import DEFAULT, Interface
from segexp.types import SMALLEST_SIDE

EXAMPLE = (2, 3, 65, 97)
"""Odd on purpose: a size that divides by everything would hide a wrong assumption."""


def capture_program(model: nn.Module, interface: Interface = DEFAULT) -> ExportedProgram:
    """Capture the graph of a network in evaluation mode: image [B, 3, H, W] -> result, sides from SMALLEST_SIDE.

    interface: what the graph takes and gives. model: image uint8 or float -> logits.
    Raises ValueError for a network whose steps depend on more than the shape of the image.
    """
    axes = {0: Dim("batch"), 2: Dim("height", min=SMALLEST_SIDE), 3: Dim("width", min=SMALLEST_SIDE)}
    size, free = ((1, 3, *interface.fixed_size), None) if interface.fixed_size else (EXAMPLE, (axes,))
    image = interface.prepare(torch.zeros(size, dtype=torch.uint8))
    try:
        with any_size():
            program = torch.export.export(
                interface.inner_network(model),
                (image,),
                dynamic_shapes=free,
                prefer_deferred_runtime_asserts_over_guards=True,
            )
    except Exception as error:
        raise ValueError(
            f"torch.export cannot follow this network ({first_line(error)}); make its forward depend on nothing but "
            "tensors and their shapes (segexp/model/ has examples), or export a run of another model="
        ) from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of this machine are no business of whoever gets the file
    _drop_empty_padding(program)
    return program


def _drop_empty_padding(program: ExportedProgram) -> None:
    """Padding by nothing, as in a graph of one size that fits, cannot be written in the older opsets of ONNX."""
    for node in list(program.graph.nodes):
        if node.target is torch.ops.aten.pad.default and all(type(each) is int and each == 0 for each in node.args[1]):
            node.replace_all_uses_with(node.args[0])
            program.graph.erase_node(node)
    program.graph_module.recompile()


@contextmanager
def any_size() -> Iterator[None]:
    """Let torch assume nothing about a size of 1, as PyTorch's own ONNX exporter does: else 32 / 32 is forbidden."""
    with shapes.patch(backed_size_oblivious=True), warnings.catch_warnings():  # type: ignore[attr-defined]
        warnings.filterwarnings("ignore", ".*LeafSpec.*")  # torch 2.13 calls what it deprecates itself
        yield


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
