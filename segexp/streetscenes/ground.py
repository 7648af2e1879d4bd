"""The ground: each pixel below the horizon is looked up in the cross-section of the street."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from segexp.streetscenes.camera import FARTHEST
from segexp.streetscenes.labels import IDS
from segexp.streetscenes.noise import Field, fractal
from segexp.streetscenes.painter import Painter
from segexp.streetscenes.profile import STEPS_PER_METRE, WIDEST, crossing_profile, street_profile
from segexp.streetscenes.shadow import cast_shadows
from segexp.streetscenes.street import Street
from segexp.streetscenes.thing import Thing

TILE = 512
GRAIN_PER_METRE, STAINS_PER_METRE = 40, 5
LabelIds = npt.NDArray[np.uint8]


def draw_ground(painter: Painter, street: Street, things: Sequence[Thing], rng: np.random.Generator) -> None:
    """Paint road, sidewalks and yards with their markings, grain, cast shadows and haze."""
    first, across, along = painter.camera.ground()
    offset = across - street.center(along)
    ids, color = _surfaces(street, offset, along, rng)
    light, haze = painter.light.on_ground().astype(np.float32), painter.light.haze.astype(np.float32)
    own_share = np.exp(along / -np.float32(painter.light.visibility))
    bright = _grain(rng, across, along) * _wear(painter, street, rng)[first:] * cast_shadows(painter, things)[first:]
    color *= (bright * own_share)[..., None] * light
    color += (1 - own_share)[..., None] * haze
    visible = (along < FARTHEST).astype(np.uint8)
    cv2.copyTo(cv2.convertScaleAbs(color), visible, painter.image[first:])
    np.copyto(painter.ids[first:], ids, where=visible.astype(bool))


def _surfaces(street: Street, offset: Field, along: Field, rng: np.random.Generator) -> tuple[LabelIds, Field]:
    """Label ids [rows, width] and unlit colours [rows, width, 3]."""
    profile = street_profile(street, rng)
    index = _steps(offset)
    ids, color = profile.ids.take(index), profile.color.take(index, axis=0)
    centimetre = (along * STEPS_PER_METRE).astype(np.int32)
    color[profile.dashed.take(index) & _repeating(9.0, 4.0).take(centimetre)] = (205, 205, 200)
    color[(ids == IDS["sidewalk"]) & _repeating(0.6, 0.06, until=20.0).take(centimetre)] *= 0.85
    if street.crossing is None:
        return ids, color
    start, end = street.crossing
    across_profile = crossing_profile(profile, street.crossing)
    index = _steps(along - (start + end) / 2)
    crossing_ids = across_profile.ids.take(index)
    wins = (crossing_ids == IDS["road"]) | ((crossing_ids > 0) & (ids != IDS["road"]))
    np.copyto(ids, crossing_ids, where=wins)
    np.copyto(color, across_profile.color.take(index, axis=0), where=wins[..., None])
    zebra = (along > start - 4.2) & (along < start - 1.2) & (ids == IDS["road"])
    color[zebra & (offset % 1.0 < 0.5)] = 178
    return ids, color


def _steps(metres: Field) -> npt.NDArray[np.int32]:
    return ((np.clip(metres, -WIDEST, WIDEST - 0.1) + WIDEST) * STEPS_PER_METRE).astype(np.int32)


def _repeating(period: float, length: float, until: float = FARTHEST) -> npt.NDArray[np.bool_]:
    """Table with one row per centimetre along the street: true for the first metres of each period."""
    metres = np.arange(int(FARTHEST * STEPS_PER_METRE) + 1) / STEPS_PER_METRE
    return (metres % period < length) & (metres <= until)


def _grain(rng: np.random.Generator, across: Field, along: Field) -> Field:
    """Brightness factor [rows, width] of the ground: stones near by, stains farther away."""
    fine = 0.055 * rng.standard_normal(TILE * TILE, dtype=np.float32)
    coarse = 1 + 0.05 * fractal(rng, TILE, TILE, cell=128, octaves=4)
    near = np.minimum(9.0 / along, 1)
    grain = fine.take(_tile(along * GRAIN_PER_METRE) * TILE + _tile(across * GRAIN_PER_METRE))
    stains = coarse.ravel().take(_tile(along * (STAINS_PER_METRE / 2)) * TILE + _tile(across * STAINS_PER_METRE))
    return (1 + grain * near) * stains


def _tile(texels: Field) -> npt.NDArray[np.int32]:
    return texels.astype(np.int32) & (TILE - 1)


def _wear(painter: Painter, street: Street, rng: np.random.Generator) -> Field:
    """Brightness factor of the whole canvas [H, W]: newer asphalt, and manhole covers in it."""
    canvas = np.full(painter.ids.shape, 100, dtype=np.uint8)
    for _ in range(int(rng.integers(0, 6))):
        length, width = rng.uniform(1, 14), rng.uniform(0.6, 2.4)
        place = street.pose(rng.uniform(-5, 2), rng.uniform(5, 45))
        corners = np.array([(0, -width, 0), (0, width, 0), (length, width, 0), (length, -width, 0)]) / (1, 2, 1)
        painter.stamp(canvas, place.to_world(corners), round(100 * rng.uniform(0.82, 1.14)))
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    cover = np.stack([np.cos(angle), np.sin(angle), np.zeros(12)], axis=1) * 0.32
    painter.stamp(canvas, street.pose(rng.uniform(-4, 1.2), rng.uniform(6, 18)).to_world(cover), 62)
    return canvas.astype(np.float32) / 100
