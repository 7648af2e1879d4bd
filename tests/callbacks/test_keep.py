"""The best checkpoint is kept without a look at what else its folder holds."""

from pathlib import Path

from pytorch_lightning import LightningModule, Trainer

from segexp.callbacks.keep import KeepCheckpoint


def test_a_folder_that_holds_files_is_no_reason_to_warn(tmp_path: Path) -> None:
    """Warnings are errors here. Lightning would load the libraries of every object storage before it warns."""
    (tmp_path / "best.ckpt").touch()
    trainer = Trainer(logger=False, accelerator="cpu", enable_checkpointing=False)
    KeepCheckpoint(dirpath=str(tmp_path)).setup(trainer, LightningModule(), "fit")
