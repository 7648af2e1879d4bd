"""The camera behind its windscreen: bonnet and borders of the picture, blur, exposure, noise, vignetting."""

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import MatLike

from segexp.streetscenes.labels import IDS
from segexp.streetscenes.noise import Field
from segexp.streetscenes.painter import Painter


def draw_bonnet(painter: Painter, rng: np.random.Generator) -> None:
    """Draw the car's own bonnet at the lower edge; it mirrors the sky a little."""
    height, width = painter.image.shape[:2]
    top = height * rng.uniform(0.84, 0.92)
    x = np.linspace(-0.02, 1.02, 40) * width
    rim = top + (height - top) * 1.1 * np.abs(x / width - rng.uniform(0.46, 0.54)) ** 2.2 * 4
    outline = np.concatenate([np.stack([x, rim], axis=1), [[width * 1.02, height + 9], [-9.0, height + 9]]])
    corners = outline.round().astype(np.int32)
    light = painter.light
    paint = np.array([30.0, 32.0, 36.0]) * rng.uniform(0.5, 1.6) * light.on_ground() + 0.14 * light.sky_low
    cv2.fillPoly(painter.image, [corners], tuple(map(float, paint)))
    cv2.fillPoly(painter.ids, [corners], IDS["ego vehicle"])
    shine = np.stack([x, rim + height * 0.004], axis=1).round().astype(np.int32)
    cv2.polylines(painter.image, [shine], False, tuple(map(float, paint * 0.5 + 60)), max(1, height // 170))


def draw_borders(ids: npt.NDArray[np.uint16]) -> None:
    """Mark the pixels that rectification leaves at the rim, as wide as on Cityscapes (5 of 1024 rows)."""
    rim = max(1, round(ids.shape[0] * 5 / 1024))
    ids[:, :rim] = ids[:, -rim:] = IDS["out of roi"]
    ids[:rim] = ids[-rim:] = IDS["rectification border"]


def develop(image: MatLike, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Blur, expose and add noise to a picture as a sensor does, uint8 [H, W, 3]."""
    height, width = image.shape[:2]
    blurred = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.75) * max(1.0, height / 512))
    gain = rng.uniform(0.9, 1.15) * (1 + rng.normal(0, 0.02, 3)) * np.array([0.98, 1.01, 0.98])
    factor = _vignette(height, width, rng.uniform(0.05, 0.28))[..., None] * gain.astype(np.float32)
    signal = blurred * factor
    grain = rng.standard_normal((height, width, 3), dtype=np.float32)
    noise = rng.uniform(0.8, 2.6) + 0.016 * signal
    gamma = rng.uniform(0.85, 1.08)
    curve = (255 * (np.arange(256) / 255.0) ** gamma).astype(np.uint8)
    return curve[np.clip(signal + grain * noise, 0, 255).astype(np.uint8)]


def _vignette(height: int, width: int, strength: float) -> Field:
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    return 1 - np.float32(strength) * (x[None, :] ** 2 + y[:, None] ** 2) / 2
