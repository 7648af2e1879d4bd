"""How a network computes, if nobody says: the precision and the memory format that are fastest on a device."""

from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import nn

from segexp.types import MemoryFormat, Precision

CPU_FLAGS = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Instructions for bfloat16 products of x86 and ARM, as Linux names them."""


class Arithmetic(NamedTuple):
    """precision: of convolutions and products; weights stay float32, see torch.autocast. memory_format: of images and
    features. reason: for both, in a few words.
    """

    precision: Precision
    memory_format: MemoryFormat
    reason: str

    def __str__(self) -> str:
        return f"{self.precision}, {self.memory_format} ({self.reason})"

    @property
    def dtype(self) -> torch.dtype:
        return getattr(torch, self.precision)

    @property
    def layout(self) -> torch.memory_format:
        return torch.channels_last if self.memory_format == "channels_last" else torch.contiguous_format


def decide(
    precision: Precision | Literal["auto"], memory_format: MemoryFormat | Literal["auto"], device: torch.device
) -> Arithmetic:
    """The arithmetic of a network on this device; auto: whichever is fastest and costs no accuracy.

    A table of capabilities decides and no trial, so that every start on the same kind of machine decides alike.
    float32 that was asked for means the plain format too, unless another one was asked for.
    """
    fastest = _fastest(device)
    if precision == "auto":
        return fastest if memory_format == "auto" else fastest._replace(memory_format=memory_format)
    if memory_format == "auto":
        memory_format = "contiguous" if precision == "float32" else fastest.memory_format
    return Arithmetic(precision, memory_format, "as set")


def use_memory_format(model: nn.Module, memory_format: MemoryFormat) -> None:
    """Lay out the weights of all 2d convolutions in this format, in which they then compute whatever image comes."""
    layout = torch.channels_last if memory_format == "channels_last" else torch.contiguous_format
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.contiguous(memory_format=layout)


def _fastest(device: torch.device) -> Arithmetic:
    if device.type == "cpu":
        if torch.backends.mkldnn.is_available() and BFLOAT16_FLAGS & _cpu_flags():
            return Arithmetic("bfloat16", "channels_last", "this CPU computes in bfloat16")
        return Arithmetic("float32", "channels_last", "this CPU does not compute in bfloat16")
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return Arithmetic("bfloat16", "channels_last", "this GPU computes in bfloat16")
    return Arithmetic("float32", "contiguous", f"nothing faster is known for this device, {device.type}")


def _cpu_flags() -> set[str]:
    """Of the first core; empty on a system that does not say."""
    lines = CPU_FLAGS.read_text().splitlines() if CPU_FLAGS.is_file() else []
    flags = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return set(next(flags, "").split())
