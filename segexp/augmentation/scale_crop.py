"""Random scale, then random crop, drawn as one rectangle of the source."""

from collections.abc import Sequence
from typing import Any

import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as transform
from torchvision.transforms.v2 import query_size


class RandomScaleCrop(v2.Transform):
    """Enlarge by a factor from U(low, high) and crop a window, both at once: only the window is resized.

    size: [height, width] of the result; None: that of the input (a random zoom).
    scale: [low, high], 0 < low <= high; raised where the scaled image would be smaller than the window.
    Source: the training crops of GridNet (Fourure et al. 2017, section 4), scale U(1, 2.5), 400x400.
    """

    def __init__(self, size: Sequence[int] | None, scale: Sequence[float]) -> None:
        super().__init__()
        low, high = scale
        if not 0 < low <= high:
            raise ValueError(
                f"augmentation: scale is [{low}, {high}]; allowed: [low, high] with 0 < low <= high; set "
                "the transform's scale in augmentation.transforms"
            )
        self.size = tuple(size) if size else None
        self.low, self.high = float(low), float(high)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return self.draw(*query_size(flat_inputs))

    def draw(self, height: int, width: int) -> dict[str, Any]:
        """Draw a window of an input of this size, and the size it is resized to."""
        size = self.size or (height, width)
        least = max(self.low, size[0] / height, size[1] / width)
        factor = torch.empty(()).uniform_(least, max(least, self.high)).item()
        window = min(round(size[0] / factor), height), min(round(size[1] / factor), width)
        top = torch.randint(height - window[0] + 1, ()).item()
        left = torch.randint(width - window[1] + 1, ()).item()
        return {"top": top, "left": left, "height": window[0], "width": window[1], "size": list(size)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return transform.resized_crop(inpt, **params, antialias=True)
