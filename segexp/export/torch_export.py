"""format=torch_export: a graph that torch loads without the code that made it."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from segexp.export import artifacts
from segexp.export.capture import any_size
from segexp.inference.segment import Network
from segexp.system.files import write_atomic

FILE = artifacts.TORCH_EXPORT
METADATA = "segexp.json"
"""Name of the metadata within the file, for torch.export.load(..., extra_files=)."""


def refuse_missing_library() -> None:
    """Do nothing, as torch is always installed."""


def write(program: ExportedProgram, metadata: Mapping[str, Any], path: Path) -> None:
    """Write the graph with its weights and metadata to one file. metadata: plain values."""
    content = io.BytesIO()
    with any_size():
        torch.export.save(program, content, extra_files={METADATA: json.dumps(metadata)})
    write_atomic(path, content.getvalue())


def load_network(path: Path) -> Network:
    """Load the network in the file: image [B, 3, H, W] -> its result."""
    with any_size():
        return torch.export.load(path).module()
