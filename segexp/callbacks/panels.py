"""Draw the same few validation scenes after every epoch, to look at while a training runs."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.strategies import FSDPStrategy
from torch import nn
from torch.nn import functional

from segexp.classes import Grouping
from segexp.display.confusion_heatmap import confusion_heatmap
from segexp.display.logged_pictures import LogsPictures, Panel, Pictures
from segexp.display.pictures import save
from segexp.display.scene_sheet import SheetRow, scene_sheet
from segexp.metric.confusion import confusion_matrix, prediction
from segexp.metric.scores import class_iou, image_miou
from segexp.types import Bytes, Sample


class ValidationPanels(Callback):
    """Draws pictures/validation.png and pictures/confusion.png in the run folder, and gives both to loggers.

    Loggers with a method `log_pictures` get them as arrays, and the scenes with their masks, see `LogsPictures`.
    num_scenes: how many scenes, spread evenly over the split. folder: the run folder.
    Rank 0 alone predicts and draws. Under FSDP no rank has all parameters, so all ranks predict the same scenes.
    """

    changes_weights = False

    def __init__(self, num_scenes: int, folder: str) -> None:
        self.num_scenes = num_scenes
        self.folder = Path(folder) / "pictures"

    def on_validation_end(self, trainer: Trainer, task: LightningModule) -> None:
        if trainer.sanity_checking or self.num_scenes < 1:
            return
        is_sharded = isinstance(trainer.strategy, FSDPStrategy)
        if not (is_sharded or trainer.is_global_zero):
            return
        network = trainer.strategy.model if is_sharded else task
        assert network is not None
        without_gradients = torch.no_grad() if is_sharded else torch.inference_mode()
        with without_gradients, trainer.precision_plugin.val_step_context():  # as in Lightning's validation
            scenes = self._scenes(trainer, network)
        if trainer.is_global_zero:
            self._draw(trainer, task, scenes)

    def _draw(self, trainer: Trainer, task: LightningModule, scenes: list[SheetRow]) -> None:
        grouping: Grouping = trainer.datamodule.grouping  # type: ignore[attr-defined]
        sheet = save(scene_sheet(scenes, grouping.names, grouping.colors), self.folder / "validation.png")
        confusion = task.confusions["val"]  # type: ignore[index]
        drawn_confusion = confusion_heatmap(confusion, class_iou(confusion), grouping.names)  # type: ignore[arg-type]
        heatmap = save(drawn_confusion, self.folder / "confusion.png")
        loggers = [logger for logger in trainer.loggers if isinstance(logger, LogsPictures)]
        if loggers:
            panels = [Panel(*scene[:4], class_names=grouping.names) for scene in scenes]
            drawn: Pictures = {"val/panels": panels, "val/sheet": _array(sheet), "val/confusion": _array(heatmap)}
            for logger in loggers:
                logger.log_pictures(drawn, trainer.global_step - 1)

    def _scenes(self, trainer: Trainer, network: nn.Module) -> list[SheetRow]:
        samples = trainer.val_dataloaders.dataset  # type: ignore[union-attr]
        num_classes, device = trainer.datamodule.grouping.num_classes, trainer.strategy.root_device  # type: ignore[attr-defined]
        indices = np.linspace(0, len(samples) - 1, min(self.num_scenes, len(samples))).round().astype(int).tolist()
        return [_scene(samples[index], network, num_classes, device) for index in indices]


def _scene(sample: Sample, network: nn.Module, num_classes: int, device: torch.device) -> SheetRow:
    predicted = prediction(network(sample.image[None].to(device)))[0].cpu().numpy()
    target = functional.interpolate(sample.target[None, None], predicted.shape, mode="nearest")[0, 0].numpy()
    confusion = confusion_matrix(torch.from_numpy(predicted), torch.from_numpy(target), num_classes)
    miou = float(image_miou(confusion[None].numpy())[0])
    return SheetRow(sample.name, sample.image.permute(1, 2, 0).numpy(), target, predicted, miou)


def _array(file: Path) -> Bytes:
    return np.asarray(Image.open(file).convert("RGB"))
