"""How a network computes, if nobody says: the precision and the memory format that are fastest on a device."""

from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import nn

from segexp.types import MemoryFormat, Precision

CPU_INFO = Path("/proc/cpuinfo")
FAST_FLAGS = frozenset({"amx_bf16", "bf16"})
"""Instructions for products of matrices in bfloat16 of x86 (AMX) and ARM, as Linux names them."""
VECTOR_FLAG, INTEL = "avx512_bf16", "GenuineIntel"
"""Instructions of x86 for products of vectors, fast on CPUs of AMD. On a Xeon of the fifth generation whose AMX a
virtual machine hid, convolutions took 1.7 to 1.9 times as long with them as in float32 (docs/performance.md)."""


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
        return _fastest_on_cpu()
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return Arithmetic("bfloat16", "channels_last", "this GPU computes in bfloat16")
    return Arithmetic("float32", "contiguous", f"nothing faster is known for this device, {device.type}")


def _fastest_on_cpu() -> Arithmetic:
    text = CPU_INFO.read_text() if CPU_INFO.is_file() else ""
    flags = set(_first(text, "flags", "Features").split())
    is_slow = _first(text, "vendor_id") == INTEL
    if torch.backends.mkldnn.is_available():
        if FAST_FLAGS & flags or (VECTOR_FLAG in flags and not is_slow):
            return Arithmetic("bfloat16", "channels_last", "this CPU computes in bfloat16")
        if VECTOR_FLAG in flags:
            return Arithmetic("float32", "channels_last", "this CPU is slower in bfloat16, as it has no AMX")
    return Arithmetic("float32", "channels_last", "this CPU does not compute in bfloat16")


def _first(cpu_info: str, *keys: str) -> str:
    """The value of the first line with one of the keys, that of the first core; empty if there is none."""
    lines = (line.partition(":") for line in cpu_info.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() in keys), "")
