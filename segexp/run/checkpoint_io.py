"""Lightning plugins: checkpoints are written whole or not at all, and jobs are not requeued by Lightning."""

import os
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins import TorchCheckpointIO
from pytorch_lightning.plugins.environments import SLURMEnvironment


def plugins() -> list[Any]:
    """The plugins for `pytorch_lightning.Trainer(plugins=...)`."""
    # Lightning's own requeueing saves wherever the signal lands, and then the ranks wait for each other for ever
    return [AtomicCheckpointIO(), *([SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else [])]


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint to a temporary name, flushes it to disk and renames it: a power cut leaves the old one."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.partial")
        try:
            with aside.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
            aside.unlink(missing_ok=True)
            raise OSError(f"could not write {path}: {error}; free some space, then continue with the run") from error
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force renames in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
