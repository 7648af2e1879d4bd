"""Transfer learning: hold the pretrained encoder still while the decoder settles."""

from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim import Optimizer


class FreezeEncoder(Callback):
    """The encoder's weights and batch statistics do not change during the first epochs.

    num_epochs: how many. Its gradients are dropped before each optimizer step instead of switching them off: under DDP
    parameters that join later would never be synchronised. So the frozen epochs are not faster.
    """

    def __init__(self, num_epochs: int) -> None:
        self.num_epochs = num_epochs

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        task.model.encoder.train(trainer.current_epoch >= self.num_epochs)  # type: ignore[union-attr]

    def on_before_optimizer_step(self, trainer: Trainer, task: LightningModule, optimizer: Optimizer) -> None:
        if trainer.current_epoch < self.num_epochs:
            for parameter in task.model.encoder.parameters():  # type: ignore[union-attr]
                parameter.grad = None
