"""The devices that a command works on."""

import torch


def find_devices(name: str) -> list[torch.device]:
    """Return every GPU, or the CPU where there is none, for auto; otherwise the one device of that name."""
    if name == "auto" and torch.cuda.is_available():
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    try:
        device = torch.device(name if name != "auto" else "cpu")
        torch.empty(0, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:
        raise ValueError(f"device is {name!r} ({error}); allowed: auto, cpu, cuda, cuda:1") from error
    return [device]
