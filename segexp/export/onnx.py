"""format=onnx: a file for onnxruntime, TensorRT, OpenVINO and others."""

import importlib.util
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from segexp.export import artifacts
from segexp.export.capture import any_size, first_line
from segexp.export.pooling import adaptive_average_pooling
from segexp.inference.segment import Network
from segexp.system.files import write_atomic

if TYPE_CHECKING:
    from onnx import ModelProto

FILE = artifacts.ONNX
IMAGE, LOGITS = "image", "logits"
AXES = ("batch", "height", "width")
ERRORS_ONLY = 3
POOLING = torch.ops.aten.adaptive_avg_pool2d.default


def refuse_missing_library() -> None:
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"format=onnx needs {', '.join(missing)}: pip install 'segexp[export]'")


def write(program: ExportedProgram, metadata: Mapping[str, Any], path: Path) -> None:
    """Write the graph with its weights and metadata to one file.

    metadata: plain values; stored in metadata_props, text as it is, all else as JSON. Its result names the output, and
    its opset is that of the file.
    Raises ValueError where ONNX has no operator for a step of the network, or not in that opset.
    """
    opset = metadata.get("opset")
    try:
        with any_size(), _quiet_conversion():
            if any(node.target is POOLING for node in program.graph.nodes):  # else it would take seconds for nothing
                program = program.run_decompositions({POOLING: adaptive_average_pooling})
            onnx_program = torch.onnx.export(
                program,
                dynamo=True,
                input_names=[IMAGE],
                output_names=[metadata.get("result", LOGITS)],
                opset_version=opset,
                verbose=False,
            )
        assert onnx_program is not None
        _refuse_other_opset(onnx_program.model_proto, opset)
        save(onnx_program.model_proto, metadata, path)
    except (OSError, OpsetError):
        raise
    except Exception as error:
        raise ValueError(
            f"this network cannot be written as ONNX ({first_line(error)}); use format=torch_export, or a run of "
            "another model="
        ) from error


@contextmanager
def _quiet_conversion() -> Iterator[None]:
    """The converter of opsets logs tracebacks of what it cannot convert, which `_refuse_other_opset` says in words."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


class OpsetError(ValueError):
    """The file would have another opset than the one that was asked for."""


def _refuse_other_opset(model: "ModelProto", opset: int | None) -> None:
    """The exporter only logs that it cannot convert to an opset, and keeps its own."""
    written = {each.domain: each.version for each in model.opset_import}.get("")
    if opset not in (None, written):
        raise OpsetError(
            f"opset is {opset}, and this network cannot be converted to it from opset {written}; leave out opset=, or "
            "try one between them; with a fixed_size= of multiples of 32, which needs no padding, lower opsets work"
        )


def save(model: "ModelProto", metadata: Mapping[str, Any], path: Path) -> None:
    from onnx import helper

    for entry in (*model.graph.node, *model.graph.value_info):
        entry.ClearField("metadata_props")  # stack traces, with the paths of this machine
    _name_axes(model)
    helper.set_model_props(model, {key: as_text(value) for key, value in metadata.items()})
    write_atomic(path, model.SerializeToString())


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def load_network(path: Path) -> Network:
    """Load the network in the file: image [B, 3, H, W] -> its result, computed by onnxruntime on the CPU.

    Raises ValueError where onnxruntime refuses; the network, when it is called, does so too.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = ERRORS_ONLY, torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ValueError(f"onnxruntime does not open {path.name} ({first_line(error)})") from error

    def network(image: Tensor) -> Tensor:
        try:
            return torch.from_numpy(session.run(None, {IMAGE: image.numpy()})[0])
        except Exception as error:
            raise ValueError(f"onnxruntime fails at {list(image.shape)} ({first_line(error)})") from error

    return network


def _name_axes(model: "ModelProto") -> None:
    """Name the free sizes batch, height and width; torch numbers them. A file of one size has none."""
    batch, _, height, width = model.graph.input[0].type.tensor_type.shape.dim
    names = {axis.dim_param: name for axis, name in zip((batch, height, width), AXES, strict=True) if axis.dim_param}
    if not names:
        return
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b")
    for tensor in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for axis in tensor.type.tensor_type.shape.dim:
            if axis.dim_param:
                axis.dim_param = pattern.sub(lambda match: names[match[0]], axis.dim_param)
