"""A trained run in a notebook: its network, its classes, and predictions on arrays."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segexp.classes import Grouping
from segexp.config.compose import compose
from segexp.inference.devices import find_devices
from segexp.inference.model import load_model
from segexp.inference.predictor import Predictor
from segexp.inference.ready import ReadyNetwork, arithmetic_on
from segexp.inference.settings import InferenceSettings
from segexp.run.folder import RunFolder
from segexp.types import SMALLEST_SIDE, Bytes


@dataclass(frozen=True)
class LoadedRun:
    """A trained run, as `segexp.load` returns it.

    network: image [B, 3, H, W], uint8 0..255 or float 0..1, on its device -> logits [B, C, H, W]; H and W at least 32;
    in evaluation mode, in the precision that was chosen. grouping: what the C classes are.
    """

    run: RunFolder
    network: nn.Module
    grouping: Grouping
    predictor: Predictor

    def predict(self, image: Bytes) -> Bytes:
        """Red, green, blue, uint8 [H, W, 3] -> class ids uint8 [H, W], as `python -m segexp.predict` computes them.

        Raises ValueError for an array of another type or shape, or with a side below 32.
        """
        return self.predictor(_checked(image)[None])[0]

    def probabilities(self, image: Bytes) -> npt.NDArray[np.float32]:
        """As `predict`; returns the probability of each class, float32 [C, H, W], 0..1."""
        return self.predictor.logits(_checked(image)[None]).softmax(1)[0].cpu().numpy()

    def colored(self, class_ids: Bytes) -> Bytes:
        """Class ids uint8 [H, W] -> the colours of the classes, uint8 [H, W, 3]."""
        return np.array(self.grouping.colors, np.uint8)[class_ids]


def load_run(run: str | Path, checkpoint: str, device: str | torch.device, **settings: Any) -> LoadedRun:
    """Load the network of a run folder, or of the URL of one, for predictions; see `segexp.load`."""
    folder = RunFolder.fetch(str(run), checkpoint)
    inference = _inference(settings)
    where = find_devices(str(device))[0]
    arithmetic = arithmetic_on(where, inference)
    trained = load_model(folder, checkpoint)
    network = ReadyNetwork(trained.model, arithmetic).to(where)
    return LoadedRun(folder, network, trained.grouping, Predictor(network, trained.image_size, inference, where))


def _inference(changed: dict[str, Any]) -> InferenceSettings:
    """What conf/predict.yaml says of inference, with some of it changed."""
    stored = compose("predict", ["run=RUN", "input=INPUT", "output=OUTPUT"])
    values = {key: stored[key] for key in InferenceSettings.model_fields}
    return InferenceSettings.of({**values, **changed})


def _checked(image: Bytes) -> Bytes:
    shape: tuple[int, ...] = getattr(image, "shape", ())
    dtype = getattr(image, "dtype", type(image).__name__)
    if dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < SMALLEST_SIDE:
        raise ValueError(
            f"image is {dtype} of shape {list(shape)}; allowed: uint8 [height, width, 3], each side at least "
            f"{SMALLEST_SIDE}, such as np.array(PIL.Image.open(FILE).convert('RGB'))"
        )
    return np.ascontiguousarray(image)
