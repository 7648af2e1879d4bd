"""A network as programs around it call it: bytes of images in, bytes of class ids out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from segexp.inference.segment import image_batch, segment, segment_to_class_ids, segment_with_confidence
from segexp.inference.settings import Inference
from segexp.types import Bytes, Logits, Size


@dataclass(frozen=True)
class Predictor:
    """model: on the device already. image_size: [H, W] that it was trained at, None for native."""

    model: nn.Module
    image_size: Size | None
    inference: Inference
    device: torch.device

    def logits(self, images: Bytes) -> Logits:
        """Images uint8 [B, H, W, 3] -> logits [B, C, H, W] on the device, the same as in an evaluation."""
        return segment(self.model, image_batch(images, self.device), self.image_size, self.inference)

    def __call__(self, images: Bytes) -> Bytes:
        """Images uint8 [B, H, W, 3] -> train ids uint8 [B, H, W]."""
        image = image_batch(images, self.device)
        return segment_to_class_ids(self.model, image, self.image_size, self.inference).cpu().numpy()

    def with_confidence(self, images: Bytes) -> tuple[Bytes, npt.NDArray[np.float32]]:
        """The same, and the probability of each of these train ids, float32 [B, H, W]."""
        image = image_batch(images, self.device)
        class_ids, confidence = segment_with_confidence(self.model, image, self.image_size, self.inference)
        return class_ids.cpu().numpy(), confidence.cpu().numpy()
