"""Barriers between a plot and the street: walls, fences, guard rails and hedges."""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from segexp.streetscenes.front import Front
from segexp.streetscenes.light import Color
from segexp.streetscenes.noise import fractal
from segexp.streetscenes.painter import Painter, Texture, normal
from segexp.streetscenes.plant import Clump, Foliage, lay_foliage, mip_levels
from segexp.streetscenes.texture import dye, lay_texture, texels
from segexp.streetscenes.thing import Pose, Thing, up

THICKNESS = 0.3


def wall(place: Front, rng: np.random.Generator) -> Thing:
    height = rng.uniform(1.0, 3.2)
    tint = np.array([(1, 1, 1), (1.05, 0.98, 0.88), (1.2, 0.85, 0.72)])[rng.choice(3, p=[0.5, 0.3, 0.2])]
    return _along(place, height, partial(_draw_wall, color=tint * rng.uniform(75, 180), rng=rng))


def fence(place: Front, rng: np.random.Generator) -> Thing:
    height = rng.uniform(0.9, 2.2)
    color = np.array([(200, 200, 196), (70, 78, 74), (120, 92, 66), (96, 100, 104)])[rng.integers(4)] * 1.0
    spacing, solid = float(rng.choice([0.12, 0.16, 0.3])), rng.uniform(0.3, 0.75)
    return _along(place, height, partial(_draw_fence, color=color, spacing=spacing, solid=solid))


def guard_rail(place: Front, rng: np.random.Generator) -> Thing:
    return _along(place, 0.75, partial(_draw_guard_rail, color=np.full(3, rng.uniform(120, 190))))


def hedge(place: Front, height: float, clump: Clump, green: Color) -> Thing:
    return _along(place, height, partial(_draw_hedge, clump=clump, green=green))


def _along(place: Front, height: float, draw: Callable[..., None]) -> Thing:
    size = (place.length, THICKNESS, height)
    return Thing(place.pose(THICKNESS), size, partial(draw, place=place, height=height))


def _draw_wall(
    painter: Painter, pose: Pose, place: Front, height: float, color: Color, rng: np.random.Generator
) -> None:
    identity = painter.identity("wall")
    quad = place.quad(height)
    rows, columns = texels(painter.camera, quad, painter.camera.height // 2)
    stones = 1 + 0.1 * fractal(rng, rows, columns, cell=max(8, rows / 2), octaves=5)
    stones[(np.arange(rows) % max(4, rows // 5)) == 0] *= 0.85
    stones[: max(1, rows // 14)] *= 1.15
    gray = cv2.convertScaleAbs(stones, alpha=128)
    lit = painter.light.shade(color, normal(quad)) / 128
    painter.face(place.side(THICKNESS, height), color * 0.9, identity)
    lay_texture(painter, quad, dye(cv2.merge([gray, gray, gray]), lit), identity)


def _draw_fence(
    painter: Painter, pose: Pose, place: Front, height: float, color: Color, spacing: float, solid: float
) -> None:
    """Draw bars that one can see through; the label fills the space between them, as annotators do."""
    quad = place.quad(height)
    rows, columns = texels(painter.camera, quad, painter.camera.height)
    bars = _bars(rows, columns, max(2.0, columns * spacing / place.length), solid)
    picture = np.full((rows, columns, 3), painter.light.shade(color, normal(quad)), dtype=np.uint8)
    lay_texture(painter, quad, picture, painter.identity("fence"), bars, np.full_like(bars, 255))


def _bars(rows: int, columns: int, spacing: float, solid: float) -> Texture:
    bars = np.zeros((rows, columns), dtype=np.uint8)
    bars[:, (np.arange(columns) % spacing) < spacing * solid] = 255
    rail = max(1, rows // 14)
    bars[:rail] = bars[rows // 2 : rows // 2 + rail] = bars[-2 * rail : -rail] = 255
    return bars


def _draw_guard_rail(painter: Painter, pose: Pose, place: Front, height: float, color: Color) -> None:
    identity = painter.identity("guard rail")
    for post in np.linspace(place.near, place.far, max(2, int(place.length / 2))):
        painter.limb(post, post + up(height * 0.9), 0.06, color * 0.6, identity)
    for above, bright in ((0.55, 0.8), (0.78, 1.0)):
        painter.face(place.quad(0.22 * height, above * height), color * bright, identity)


def _draw_hedge(painter: Painter, pose: Pose, place: Front, height: float, clump: Clump, green: Color) -> None:
    shade, leaves, _ = clump[0]
    size = shade.shape[0]
    middle = slice(size // 4, size - size // 4)
    leaves = leaves[middle, middle].copy()
    leaves[size // 20 :] = 255  # only its top is ragged
    filled = Foliage(*(np.tile(part, (1, 3)) for part in (shade[middle, middle], leaves, leaves)))
    lay_foliage(painter, place.quad(height), mip_levels(filled), green)
