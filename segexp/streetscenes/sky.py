"""Sky with clouds, and the skyline that closes the view at the end of the street."""

import cv2
import numpy as np

from segexp.streetscenes.labels import IDS
from segexp.streetscenes.noise import fractal
from segexp.streetscenes.painter import Painter

END = 170.0
"""Distance in metres of the skyline."""


def draw_sky(painter: Painter, rng: np.random.Generator) -> None:
    """Fill the whole canvas: a gradient towards the horizon, and clouds that flatten there."""
    height, width = (size // 2 for size in painter.ids.shape)  # clouds are soft: half the canvas is enough
    top, low = painter.light.sky_top.astype(np.float32), painter.light.sky_low.astype(np.float32)
    rows = np.linspace(0, painter.camera.height / painter.camera.horizon, height, dtype=np.float32)
    down = np.minimum(rows, np.float32(1))[:, None, None] ** 1.3
    coarse = fractal(rng, height // 2 + 1, width // 4 + 1, cell=max(4.0, width / 15), octaves=4)
    clouds = np.asarray(cv2.resize(coarse, (width, height)), dtype=np.float32)[..., None]
    cover = np.clip((clouds - 1.6 + 3.2 * painter.light.clouds) * 0.6, 0, 1) * 0.85
    sky = (top * (1 - down) + low * down) * (1 - cover) + low * (0.93 + 0.06 * np.clip(clouds, -1, 1)) * cover
    painter.image[:] = cv2.resize(cv2.convertScaleAbs(sky), painter.ids.shape[::-1])
    painter.ids[:] = IDS["sky"]


def draw_skyline(painter: Painter, wooded: float, rng: np.random.Generator) -> None:
    """Draw far houses and trees; wooded: share of trees, 0..1."""
    left = -120.0
    while left < 120.0:
        trees = rng.random() < wooded
        width, height = (rng.uniform(6, 14), rng.uniform(5, 12)) if trees else (rng.uniform(10, 25), rng.uniform(6, 18))
        top = height * (1 + 0.12 * rng.standard_normal(7)) if trees else np.full(2, height)
        columns = np.linspace(left, left + width * 1.15, len(top))
        ridge = np.stack([columns, top, np.full(len(top), END)], axis=1)
        foot = np.array([[left + width * 1.15, -0.5, END], [left, -0.5, END]])
        tint = np.array([88.0, 100.0, 68.0]) if trees else np.array([1.0, 0.97, 0.93]) * rng.uniform(90, 180)
        lit = tint * (painter.light.ambient + 0.4 * painter.light.sunlight) * rng.uniform(0.8, 1.1)
        painter.hull(np.concatenate([ridge, foot]), lit, IDS["vegetation" if trees else "building"])
        left += width
