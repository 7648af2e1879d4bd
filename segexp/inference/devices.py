"""The devices that a command works on."""

import torch


def find_devices(name: str) -> list[torch.device]:
    """auto: every GPU there is, or the CPU; otherwise the one that is named."""
    if name == "auto" and torch.cuda.is_available():
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    try:
        found = torch.device(name if name != "auto" else "cpu")
        torch.empty(0, device=found)
    except (RuntimeError, TypeError, AssertionError) as error:
        raise ValueError(f"device is {name!r} ({error}); allowed: auto, cpu, cuda, cuda:1") from error
    return [found]
