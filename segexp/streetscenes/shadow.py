"""Shadows on the ground: those that the sun casts, and those right under every thing in any weather."""

from collections.abc import Sequence

import cv2
import numpy as np

from segexp.streetscenes.camera import Points
from segexp.streetscenes.noise import Field
from segexp.streetscenes.painter import Painter
from segexp.streetscenes.thing import Thing

CONTACT = 0.5
"""Share of light that is missing right under a thing."""


def cast_shadows(painter: Painter, things: Sequence[Thing]) -> Field:
    """Brightness factor of shadows on the whole canvas [H, W]."""
    cast, under = (np.zeros(painter.ids.shape, dtype=np.uint8) for _ in range(2))
    sun = painter.light.sun
    reach = np.array([-sun[0], 0.0, -sun[2]]) / max(float(sun[1]), 0.15)
    for thing in things:
        foot = thing.footprint()
        painter.stamp(under, foot, 255)
        painter.stamp(cast, _outline(np.concatenate([foot, foot + reach * thing.size[2]])), 255)
    width = painter.camera.width
    shade = np.maximum(_soften(cast, width / 500) * painter.light.shadow, _soften(under, width / 300) * CONTACT)
    return 1 - cv2.resize(shade, (width, painter.camera.height))


def _soften(mask: np.ndarray, sigma: float) -> Field:
    """Blur a mask at half its size, to 0..1: shadows have no sharp edges to lose."""
    half = cv2.resize(mask, (mask.shape[1] // 2, mask.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(half, (0, 0), sigma / 2).astype(np.float32) / 255


def _outline(points: Points) -> Points:
    """Select the ground points [N, 3] that lie on their convex outline, in order."""
    return points[cv2.convexHull(points[:, [0, 2]].astype(np.float32), returnPoints=False)[:, 0]]
