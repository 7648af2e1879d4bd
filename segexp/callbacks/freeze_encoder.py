"""Transfer learning: freeze the pretrained encoder while the decoder settles."""

from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim import Optimizer


class FreezeEncoder(Callback):
    """Keeps the encoder's weights and batch statistics unchanged during the first epochs.

    num_epochs: how many epochs. The encoder's gradients are computed, and dropped before each optimizer step, because
    DDP would never synchronise parameters that join later. So the frozen epochs are not faster.
    """

    def __init__(self, num_epochs: int) -> None:
        self.num_epochs = num_epochs

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        task.model.encoder.train(trainer.current_epoch >= self.num_epochs)  # type: ignore[union-attr]

    def on_before_optimizer_step(self, trainer: Trainer, task: LightningModule, optimizer: Optimizer) -> None:
        if trainer.current_epoch < self.num_epochs:
            for parameter in task.model.encoder.parameters():  # type: ignore[union-attr]
                parameter.grad = None
