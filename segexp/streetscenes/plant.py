"""Trees, bushes and hedges."""

from functools import partial
from typing import NamedTuple

import cv2
import numpy as np

from segexp.streetscenes.camera import Points
from segexp.streetscenes.light import Color
from segexp.streetscenes.noise import fractal
from segexp.streetscenes.painter import Painter, Texture
from segexp.streetscenes.texture import dye, lay_texture, texels
from segexp.streetscenes.thing import Pose, Thing


class Foliage(NamedTuple):
    """The texture of a clump of leaves, uint8 [h, w] each.

    shade: brightness; HALF_BRIGHT leaves the colour as it is.  leaves: 255 where the clump is opaque.
    outline: 255 in its silhouette.
    """

    shade: Texture
    leaves: Texture
    outline: Texture


Clump = tuple[Foliage, ...]
"""The same leaves at full size, half of it and so on, so that far plants cost little and do not flicker."""
HALF_BRIGHT = 150
DETAILED = 60.0
"""Distance in metres up to which a crown is more than one clump."""


def sample_foliage(rng: np.random.Generator, size: int, sun_right: bool) -> list[Clump]:
    """Sample the clumps that all plants of a scene are made of; size in texels."""
    return [mip_levels(_clump(rng, size, sun_right)) for _ in range(3)]


def _clump(rng: np.random.Generator, size: int, sun_right: bool) -> Foliage:
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    x, y = axis[None, :], axis[:, None]
    rim = np.hypot(x, y) + 0.1 * fractal(rng, size, size, cell=size / 3, octaves=5)
    fine = fractal(rng, size, size, cell=size / 8, octaves=4)
    outline = rim < 0.86
    leaves = outline & (fine > -1.7 + 1.6 * np.clip(rim - 0.4, 0, 1))
    toward_sun = x if sun_right else -x
    shade = np.clip(0.72 - 0.32 * y + 0.18 * toward_sun + 0.17 * fine, 0.15, 1.5)
    return Foliage(cv2.convertScaleAbs(shade * HALF_BRIGHT), *((part * np.uint8(255)) for part in (leaves, outline)))


def mip_levels(foliage: Foliage) -> Clump:
    """The foliage at full size, at half of it, and so on."""
    levels = [foliage]
    while levels[-1].shade.shape[0] > 16:
        height, width = levels[-1].shade.shape
        size = width // 2, height // 2
        levels.append(Foliage(*(cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in levels[-1])))
    return tuple(levels)


def sample_green(rng: np.random.Generator) -> Color:
    """Leaf colour of a scene's plants: fresh, dull, autumn or bare brown."""
    colors = np.array([(88, 110, 52), (74, 92, 58), (70, 78, 50), (128, 108, 58), (98, 88, 74)], dtype=np.float64)
    return colors[rng.choice(5, p=[0.35, 0.3, 0.15, 0.1, 0.1])] * rng.uniform(0.75, 1.1)


def tree(pose: Pose, clumps: list[Clump], green: Color, rng: np.random.Generator) -> Thing:
    height = rng.uniform(5.0, 13.0)
    width = height * rng.uniform(0.45, 0.75)
    draw = partial(_draw_tree, clumps=clumps, green=_vary(green, rng), height=height, width=width, rng=rng)
    return Thing(pose, (width * 0.7, width * 0.7, height * 0.8), draw)


def bush(pose: Pose, clumps: list[Clump], green: Color, rng: np.random.Generator) -> Thing:
    height = rng.uniform(0.8, 2.6)
    width = height * rng.uniform(1.0, 1.8)
    draw = partial(
        _draw_clump, clumps=clumps, green=_vary(green, rng), size=(width, height), middle=height * 0.42, rng=rng
    )
    return Thing(pose, (width * 0.6, width * 0.6, height), draw)


def _vary(green: Color, rng: np.random.Generator) -> Color:
    return np.clip(green * rng.uniform(0.8, 1.2) + rng.normal(0, 6, 3), 15, 230)


def _draw_tree(
    painter: Painter,
    pose: Pose,
    clumps: list[Clump],
    green: Color,
    height: float,
    width: float,
    rng: np.random.Generator,
) -> None:
    identity = painter.identity("vegetation")
    bark = np.array([80.0, 70.0, 60.0]) * painter.light.ambient * 1.2
    fork = height * rng.uniform(0.25, 0.38)
    girth = width * 0.03 + 0.04
    painter.limb(pose.point(0, 0, 0), pose.point(0, 0, fork * 1.6), girth, bark, identity)
    for groove in rng.uniform(-0.7, 0.7, 4) * girth:
        stripe = bark * rng.uniform(0.7, 1.25)
        painter.limb(pose.point(0, groove, 0.1), pose.point(0, groove, fork * 1.5), girth * 0.12, stripe, None)
    for sway in rng.uniform(-0.3, 0.3, 2):
        painter.limb(pose.point(0, 0, fork), pose.point(0, sway * width, height * 0.7), width * 0.018, bark, identity)
    middle = (fork + height) / 2
    _draw_clump(painter, pose, clumps, green * 0.8, (width, (height - fork) * 1.1), middle, rng)
    for _ in range(2 if pose.z < DETAILED else 0):
        aside = rng.uniform(-0.2, 0.2) * width
        part = (width * rng.uniform(0.55, 0.75), (height - fork) * rng.uniform(0.5, 0.7))
        _draw_clump(painter, pose, clumps, green, part, middle + rng.uniform(-0.12, 0.2) * height, rng, aside)


def _draw_clump(
    painter: Painter,
    pose: Pose,
    clumps: list[Clump],
    green: Color,
    size: tuple[float, float],
    middle: float,
    rng: np.random.Generator,
    aside: float = 0.0,
) -> None:
    width, height = size
    clump = clumps[rng.integers(len(clumps))]
    center = np.array([pose.x + aside, middle, pose.z])
    quad = center + np.array([[-width, -height, 0], [width, -height, 0], [width, height, 0], [-width, height, 0]]) / 2
    lay_foliage(painter, quad, clump, green)


def lay_foliage(painter: Painter, quad: Points, clump: Clump, green: Color) -> None:
    """Draw leaves on an upright quad, no larger in memory than they are on the canvas."""
    needed = max(texels(painter.camera, quad, clump[0].shade.shape[0]))
    shade, leaves, outline = next(
        level for level in reversed(clump) if level.shade.shape[0] >= needed or level is clump[0]
    )
    lit = green * (painter.light.ambient + 0.55 * painter.light.sunlight) / HALF_BRIGHT
    picture = dye(cv2.merge([shade, shade, shade]), lit)
    lay_texture(painter, quad, picture, painter.identity("vegetation"), leaves, outline)
