"""format=torch_export: a graph that torch loads without the code that made it."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from segexp.export import names
from segexp.export.capture import any_size
from segexp.inference.segment import Network
from segexp.system.files import write_whole

FILE = names.TORCH_EXPORT
FACTS = "segexp.json"
"""Name of the facts within the file: what to ask torch.export.load(..., extra_files=) for."""


def refuse_missing_library() -> None:
    """torch is always there."""


def write(program: ExportedProgram, facts: Mapping[str, Any], path: Path) -> None:
    """Write the graph with its weights and facts to one file. facts: plain values."""
    content = io.BytesIO()
    with any_size():
        torch.export.save(program, content, extra_files={FACTS: json.dumps(facts)})
    write_whole(path, content.getvalue())


def opened(path: Path) -> Network:
    """The network in the file: image uint8 [B, 3, H, W] -> logits float32."""
    with any_size():
        return torch.export.load(path).module()
