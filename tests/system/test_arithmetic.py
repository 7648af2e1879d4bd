"""What is fastest is read from a table of the device's capabilities, and what was asked for is taken as it is."""

from pathlib import Path

import pytest
import torch

from segexp.system import arithmetic
from segexp.system.arithmetic import decide

pytestmark = pytest.mark.fast
CPU = torch.device("cpu")
WITHOUT = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: Old\nflags\t\t: fpu avx2 avx512f\n"
WITH = [
    WITHOUT.replace("avx512f", "avx512f avx512_bf16"),
    WITHOUT.replace("AuthenticAMD", "GenuineIntel").replace("avx512f", "avx512f avx512_bf16 amx_bf16 amx_tile"),
    "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd bf16 i8mm\nCPU part\t: 0xd40\n",
]


def fake(monkeypatch: pytest.MonkeyPatch, folder: Path, cpuinfo: str) -> None:
    (folder / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(arithmetic, "CPU_INFO", folder / "cpuinfo")


@pytest.mark.parametrize("cpuinfo", WITH, ids=["avx512", "amx", "arm"])
def test_a_cpu_with_bfloat16_instructions_uses_them(monkeypatch, tmp_path: Path, cpuinfo: str) -> None:
    fake(monkeypatch, tmp_path, cpuinfo)
    chosen = decide("auto", "auto", CPU)
    assert (chosen.precision, chosen.memory_format) == ("bfloat16", "channels_last")
    assert str(chosen) == "bfloat16, channels_last (this CPU computes in bfloat16)"
    assert (chosen.dtype, chosen.layout) == (torch.bfloat16, torch.channels_last)


def test_a_xeon_whose_amx_is_hidden_computes_in_float32(monkeypatch, tmp_path: Path) -> None:
    fake(monkeypatch, tmp_path, WITH[0].replace("AuthenticAMD", "GenuineIntel"))
    assert str(decide("auto", "auto", CPU)) == (
        "float32, channels_last (this CPU is slower in bfloat16, as it has no AMX)"
    )


@pytest.mark.parametrize("cpuinfo", [WITHOUT, "", "flags\t\t: not_avx512_bf16_at_all\n"])
def test_a_cpu_without_them_computes_in_float32(monkeypatch, tmp_path: Path, cpuinfo: str) -> None:
    fake(monkeypatch, tmp_path, cpuinfo)
    chosen = decide("auto", "auto", CPU)
    assert (chosen.precision, chosen.memory_format) == ("float32", "channels_last")
    assert "does not compute in bfloat16" in chosen.reason


def test_a_system_that_says_nothing_of_its_cpu_computes_in_float32(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(arithmetic, "CPU_INFO", tmp_path / "nothing")
    assert decide("auto", "auto", CPU).precision == "float32"


def test_torch_without_its_library_for_convolutions_computes_in_float32(monkeypatch, tmp_path: Path) -> None:
    fake(monkeypatch, tmp_path, WITH[0])
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert decide("auto", "auto", CPU).precision == "float32"


@pytest.mark.parametrize(
    ("capability", "decided"),
    [
        ((8, 0), ("bfloat16", "channels_last")),
        ((9, 0), ("bfloat16", "channels_last")),
        ((7, 5), ("float32", "contiguous")),
    ],
)
def test_a_gpu_is_known_by_its_capability(monkeypatch, capability: tuple[int, int], decided: tuple[str, str]) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert decide("auto", "auto", torch.device("cuda:1"))[:2] == decided


def test_of_another_device_nothing_is_assumed() -> None:
    assert decide("auto", "auto", torch.device("mps"))[:2] == ("float32", "contiguous")


@pytest.mark.parametrize(
    ("asked", "decided"),
    [
        (("float32", "auto"), ("float32", "contiguous")),
        (("float32", "channels_last"), ("float32", "channels_last")),
        (("bfloat16", "auto"), ("bfloat16", "channels_last")),
        (("bfloat16", "contiguous"), ("bfloat16", "contiguous")),
        (("auto", "contiguous"), ("bfloat16", "contiguous")),
        (("float16", "auto"), ("float16", "channels_last")),
    ],
)
def test_what_was_asked_for_is_taken(monkeypatch, tmp_path: Path, asked, decided) -> None:
    fake(monkeypatch, tmp_path, WITH[0])
    assert decide(*asked, CPU)[:2] == decided
