"""Collect what a run ran on, so that it can be repeated."""

import functools
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any


def collect_environment(
    fingerprints: Mapping[str, str], choices: Mapping[str, str | None], overrides: list[str]
) -> dict[str, Any]:
    """The content of environment.json, as plain values.

    fingerprints: split -> fingerprint of its files. choices: config group -> option. overrides: as they were typed.
    """
    return {
        "command": [sys.executable, *sys.argv],
        "overrides": overrides,
        "choices": dict(choices),
        "data": dict(fingerprints),
        "git": _git(),
        "python": platform.python_version(),
        "hardware": hardware(),
        "packages": _packages(),
    }


@functools.cache
def _packages() -> dict[str, str]:
    """Name -> version of every installed package, sorted by name; `name` and `version` would parse their file twice."""
    described = (package.metadata for package in distributions())
    named = ((each["Name"], each["Version"]) for each in described if each["Name"])
    return dict(sorted(named, key=lambda each: each[0].lower()))


def _git() -> dict[str, Any] | None:
    """Commit and changed files of the checkout that segexp is imported from; None if it is no checkout."""
    folder = Path(__file__).parent
    try:
        answers = [
            subprocess.run(
                ["git", "--no-optional-locks", "-C", folder, *call], capture_output=True, text=True, check=True
            ).stdout.strip()
            for call in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": answers[0], "changed_files": answers[1].splitlines()}


def hardware() -> dict[str, Any]:
    """The machine that the figures of a run or a benchmark were measured on."""
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "processor": _processor(),
        "num_cores": os.cpu_count(),
        "num_threads": torch.get_num_threads(),
        "gpus": gpus,
        "system": platform.platform(),
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")  # platform.processor() is empty on most Linux systems
    lines = path.read_text().splitlines() if path.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())
