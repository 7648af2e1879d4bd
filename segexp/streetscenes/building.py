"""Houses along the street, and bridges across it."""

from functools import partial

import numpy as np

from segexp.streetscenes.camera import Points
from segexp.streetscenes.facade import Look, facade, sample_look
from segexp.streetscenes.front import Front
from segexp.streetscenes.light import Color
from segexp.streetscenes.painter import Painter, normal
from segexp.streetscenes.solid import Block, draw_block, faces_camera
from segexp.streetscenes.street import Street
from segexp.streetscenes.texture import dye, lay_texture, texels
from segexp.streetscenes.thing import Pose, Thing, up

DEPTH = 11.0
"""How far a house reaches back from the street, in metres."""
PIECE = 6
"""Length of a piece of a bridge, in metres."""


def house(place: Front, height: float, shops: float, free: bool, rng: np.random.Generator) -> Thing:
    """A house on a front.

    shops: chance of a shop on the ground floor.
    free: whether no house touches its near side, which then has windows.
    """
    draw = partial(_draw_house, place=place, height=height, look=sample_look(rng, shops), free=free, rng=rng)
    return Thing(place.pose(DEPTH), (place.length, DEPTH, height), draw)


def _draw_house(
    painter: Painter, pose: Pose, place: Front, height: float, look: Look, free: bool, rng: np.random.Generator
) -> None:
    """Draw the roof first, then the side, then the front: what is nearer covers what is farther."""
    identity = painter.identity("building")
    pitch = rng.uniform(2.0, 4.5) if rng.random() < 0.7 else 0.3
    back = np.array([place.sign * DEPTH, 0.0, 0.0])
    ridge = back / 2 + up(pitch)
    front, side = place.quad(height), place.side(DEPTH, height)
    painter.face(np.array([front[3], front[2], front[2] + ridge, front[3] + ridge]), _roof_color(rng), identity)
    eaves = place.near + up(height)
    bare = painter.light.shade(look.wall * 0.9, normal(side))
    painter.polygon(np.array([eaves, eaves + ridge, eaves + back]), bare, identity)
    painter.polygon(side, bare, identity)
    if free:
        _lay_facade(painter, side, height, look._replace(bay=look.bay * 2, shop=False, balconies=False), identity, rng)
    _lay_facade(painter, front, height, look, identity, rng)


def _lay_facade(
    painter: Painter, quad: Points, height: float, look: Look, identity: int, rng: np.random.Generator
) -> None:
    if not faces_camera(painter.camera, quad):
        return
    length = float(np.linalg.norm(quad[1] - quad[0]))
    size = texels(painter.camera, quad, painter.camera.height)
    picture = facade(rng, look, length, height, size, painter.light.night)
    lay_texture(painter, quad, dye(picture, painter.light.shade(np.ones(3), normal(quad))), identity)


def _roof_color(rng: np.random.Generator) -> Color:
    tiles = np.array([(120, 66, 50), (92, 58, 50), (72, 72, 76), (96, 94, 92), (58, 54, 54)], dtype=np.float64)
    return tiles[rng.integers(len(tiles))] * rng.uniform(0.8, 1.2)


def bridge(street: Street, along: float, rng: np.random.Generator) -> list[Thing]:
    """A deck right across the street on a pier at either side, in pieces that sort well from far to near."""
    color = np.array([1.0, 0.98, 0.94]) * rng.uniform(95, 170)
    clear, reach = rng.uniform(4.8, 6.0), street.right.front + 1.0
    piers = {round(-street.left.front - 1.0), round(reach)}
    things = []
    for offset in range(-60, 60, PIECE):
        pier = bool(piers & set(range(offset, offset + PIECE)))
        draw = partial(_draw_deck, color=color, clear=clear, pier=pier)
        things.append(Thing(street.pose(offset + PIECE / 2, along, np.pi / 2), (PIECE, 8.0, clear), draw))
    return things


def _draw_deck(painter: Painter, pose: Pose, color: Color, clear: float, pier: bool) -> None:
    identity = painter.identity("bridge")
    pose = pose._replace(heading=np.pi / 2)  # pieces of a bent street would gape
    half = PIECE / 2 + 0.05
    if pier:
        draw_block(painter, pose, Block(-0.8, 0.8, 3.5, 0.0, clear), color * 0.9, identity)
    draw_block(painter, pose, Block(-half, half, 4.0, clear, clear + 1.4), color, identity)
    draw_block(painter, pose, Block(-half, half, 4.1, clear + 1.4, clear + 2.3), color * 0.75, identity)
