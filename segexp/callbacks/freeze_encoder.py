"""Transfer learning: freeze the pretrained encoder while the decoder settles."""

from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim import Optimizer


class FreezeEncoder(Callback):
    """Keeps the encoder's weights and batch statistics unchanged during the first epochs.

    num_epochs: how many epochs. weights, start_from: where the encoder's weights come from, as the keys of the training
    say it; runs of earlier versions do not.
    The encoder's gradients are computed, and dropped before each step, as DDP would never synchronise parameters that
    join later. So the frozen epochs are not faster.
    Raises ValueError for an encoder whose weights are random.
    """

    def __init__(self, num_epochs: int, weights: str | None = "unknown", start_from: str | None = None) -> None:
        if weights is None and start_from is None:
            raise ValueError(
                "callbacks.freeze_encoder would freeze random weights: model.weights and start_from are null; set "
                "model.weights=imagenet or start_from=RUN, or leave the callback out"
            )
        self.num_epochs = num_epochs

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        task.model.encoder.train(trainer.current_epoch >= self.num_epochs)  # type: ignore[union-attr]

    def on_before_optimizer_step(self, trainer: Trainer, task: LightningModule, optimizer: Optimizer) -> None:
        if trainer.current_epoch < self.num_epochs:
            for parameter in task.model.encoder.parameters():  # type: ignore[union-attr]
                parameter.grad = None
