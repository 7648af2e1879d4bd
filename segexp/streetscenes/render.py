"""Render a scene from its seed, split and index: picture and instance ids."""

import zlib
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from segexp.streetscenes.camera import sample_camera
from segexp.streetscenes.ground import draw_ground
from segexp.streetscenes.light import sample_light
from segexp.streetscenes.painter import Painter
from segexp.streetscenes.plant import sample_foliage, sample_green
from segexp.streetscenes.plots import Greenery, line_street
from segexp.streetscenes.rare import rare_kinds, rare_things
from segexp.streetscenes.sensor import develop, draw_bonnet, draw_borders
from segexp.streetscenes.sidewalk import furnish
from segexp.streetscenes.sky import draw_sky, draw_skyline
from segexp.streetscenes.street import Street, sample_street
from segexp.streetscenes.thing import Thing
from segexp.streetscenes.traffic import drive, park, ride_track

OVERSAMPLING = 2


class Scene(NamedTuple):
    """A rendered scene.

    image: uint8 [H, W, 3], red-green-blue.  ids: uint16 [H, W]: label id, or label id * 1000 + count.
    """

    image: npt.NDArray[np.uint8]
    ids: npt.NDArray[np.uint16]


def render(seed: int, split: str, index: int, height: int, width: int) -> Scene:
    """Render the scene with this index of a split; the same arguments always give the same bytes."""
    rng = np.random.default_rng([seed, zlib.crc32(split.encode()), index])
    rare = rare_kinds(index)
    camera = sample_camera(rng, height * OVERSAMPLING, width * OVERSAMPLING)
    painter = Painter(camera, sample_light(rng))
    street = sample_street(rng, track="tram" in rare)
    greenery = Greenery(sample_foliage(rng, camera.height // 2, painter.light.sun[0] > 0), sample_green(rng))
    things = _populate(street, rare, greenery, rng)
    draw_sky(painter, rng)
    draw_skyline(painter, 0.5, rng)
    draw_ground(painter, street, things, rng)
    for thing in sorted(things, key=Thing.depth, reverse=True):
        thing.draw(painter, thing.pose)
    draw_bonnet(painter, rng)
    return _finish(painter, rng)


def _populate(street: Street, rare: tuple[str, ...], greenery: Greenery, rng: np.random.Generator) -> list[Thing]:
    """Everything that stands or moves in the street; vehicles leave out places that are taken."""
    placed: list[Thing] = [thing for kind in rare for thing in rare_things(street, kind, rng)]
    sides = street.left, street.right
    parked = [car for side in sides for car in park(street, side, rng)]
    for vehicle in ride_track(street, rng) + drive(street, rng) + parked:
        if not any(vehicle.overlaps(other) for other in placed):
            placed.append(vehicle)
    for side in sides:
        placed += line_street(street, side, greenery, rng) + furnish(street, side, greenery, rng)
    return placed


def _finish(painter: Painter, rng: np.random.Generator) -> Scene:
    """Average the oversampled picture; labels stay hard: one sample of each pixel."""
    height, width = (size // OVERSAMPLING for size in painter.ids.shape)
    image = cv2.resize(painter.image, (width, height), interpolation=cv2.INTER_AREA)
    ids = np.ascontiguousarray(painter.ids[1::OVERSAMPLING, 1::OVERSAMPLING])
    draw_borders(ids)
    return Scene(develop(image, rng), ids)
