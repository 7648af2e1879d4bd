"""Passenger cars and vans of several shapes."""

from functools import partial
from typing import NamedTuple

import numpy as np

from segexp.streetscenes.camera import Points
from segexp.streetscenes.light import Color
from segexp.streetscenes.painter import Painter
from segexp.streetscenes.solid import Block, Panel, draw_block
from segexp.streetscenes.thing import Pose, Thing

GLASS = np.array([46.0, 52.0, 60.0])
RUBBER = np.array([26.0, 26.0, 28.0])
CHROME = np.array([150.0, 150.0, 152.0])
DOORS = (0.3, 0.5, 0.7)
PLATE = np.array([225.0, 225.0, 220.0])
TAIL, HEAD = np.array([170.0, 22.0, 20.0]), np.array([225.0, 226.0, 222.0])


class Shape(NamedTuple):
    """The shape of a car in metres.

    bonnet, boot: flat lengths before and behind the cabin; rake_front, rake_back: slant of its screens.
    """

    length: float
    width: float
    height: float
    waist: float
    bonnet: float
    boot: float
    rake_front: float
    rake_back: float


SHAPES = (
    Shape(4.1, 1.76, 1.47, 0.90, 0.95, 0.05, 0.75, 0.45),  # hatchback
    Shape(4.6, 1.80, 1.43, 0.88, 1.15, 0.65, 0.80, 0.70),  # saloon
    Shape(4.6, 1.80, 1.48, 0.90, 1.10, 0.05, 0.80, 0.45),  # estate
    Shape(4.5, 1.85, 1.68, 1.00, 1.00, 0.05, 0.65, 0.30),  # off-roader
    Shape(3.6, 1.65, 1.50, 0.90, 0.65, 0.05, 0.65, 0.25),  # small car
    Shape(5.1, 1.95, 2.05, 1.10, 0.75, 0.02, 0.60, 0.10),  # van
)
SHARES = (0.3, 0.2, 0.18, 0.14, 0.1, 0.08)
GRAYS = [(28, 29, 31), (62, 64, 68), (112, 115, 118), (176, 178, 180), (226, 226, 224)]
HUES = [(28, 42, 78), (128, 26, 26), (72, 30, 36), (52, 66, 56), (150, 140, 122), (60, 96, 150), (196, 170, 60)]
PAINTS = np.array([*GRAYS, *HUES], dtype=np.float64)
PAINT_SHARES = (0.2, 0.15, 0.13, 0.15, 0.13, 0.07, 0.06, 0.03, 0.03, 0.02, 0.02, 0.01)


def car(pose: Pose, rng: np.random.Generator) -> Thing:
    shape = SHAPES[rng.choice(len(SHAPES), p=SHARES)]
    paint = PAINTS[rng.choice(len(PAINTS), p=PAINT_SHARES)] * rng.uniform(0.85, 1.1)
    brakes = bool(rng.random() < 0.25)
    draw = partial(_draw_car, shape=shape, paint=paint, brakes=brakes)
    return Thing(pose, (shape.length, shape.width, shape.height), draw)


def _draw_car(painter: Painter, pose: Pose, shape: Shape, paint: Color, brakes: bool) -> None:
    identity = painter.identity("car")
    half = shape.length / 2
    axles = (-half + 0.75, half - 0.8)
    draw_wheels(painter, pose, axles, shape.width, 0.31, identity)
    belt = 0.55 * shape.waist
    seams = [Panel(side, place, place + 0.008, 0.0, 1.0, paint * 0.55) for side in ("left", "right") for place in DOORS]
    lower = Block(-half, half, shape.width / 2, 0.2, belt, inset_side=-0.02)
    upper = Block(-half, half, shape.width / 2 + 0.02, belt, shape.waist, 0.08, 0.22, 0.06)
    draw_block(painter, pose, lower, paint * 0.92, identity, [*seams, *_bumpers(painter)])
    draw_block(painter, pose, upper, paint, identity, [*seams, *_lamps(painter, brakes)])
    draw_hubs(painter, pose, axles, shape.width, 0.31)
    cabin = Block(
        back=-half + shape.boot,
        front=half - shape.bonnet,
        half_width=shape.width / 2 - 0.05,
        low=shape.waist,
        high=shape.height,
        inset_back=shape.rake_back,
        inset_front=shape.rake_front,
        inset_side=0.2,
    )
    draw_block(painter, pose, cabin, paint * 0.97, identity, _screens(painter))


def _bumpers(painter: Painter) -> list[Panel]:
    night = 0.6 * painter.light.night
    return [
        Panel("back", 0.0, 1.0, 0.0, 0.3, RUBBER * 1.5),
        Panel("front", 0.0, 1.0, 0.0, 0.25, RUBBER * 1.5),
        Panel("front", 0.25, 0.75, 0.3, 0.8, RUBBER * 1.3),
        Panel("front", 0.38, 0.62, 0.4, 0.7, PLATE, night),
        Panel("back", 0.36, 0.64, 0.45, 0.8, PLATE, night),
        Panel("left", 0.0, 1.0, 0.0, 0.15, RUBBER),
        Panel("right", 0.0, 1.0, 0.0, 0.15, RUBBER),
    ]


def _lamps(painter: Painter, brakes: bool) -> list[Panel]:
    shining = brakes or bool(painter.light.night)
    tail, glow = (TAIL * 1.5, 1.0) if shining else (TAIL * 0.8, 0.15)
    beam = 1.0 if painter.light.night else 0.2
    lamps = [Panel("back", left, left + 0.17, 0.2, 0.85, tail, glow) for left in (0.01, 0.82)]
    lamps += [Panel("front", left, left + 0.22, 0.15, 0.7, HEAD, beam) for left in (0.02, 0.76)]
    return [*lamps, Panel("front", 0.3, 0.7, 0.2, 0.6, RUBBER * 1.4)]


def _screens(painter: Painter) -> list[Panel]:
    """Glass shows the sky, more so where it lies flat."""
    sky = (painter.light.sky_low + painter.light.sky_top) / 2
    screen, side = GLASS * 0.72 + sky * 0.28, GLASS * 0.88 + sky * 0.12
    panels = [Panel("front", 0.06, 0.94, 0.06, 0.92, screen, 0.5), Panel("back", 0.08, 0.92, 0.12, 0.9, screen, 0.4)]
    for face in ("left", "right"):
        panels += [Panel(face, 0.06, 0.47, 0.1, 0.88, side, 0.4), Panel(face, 0.51, 0.92, 0.1, 0.88, side, 0.4)]
    return panels


def draw_wheels(
    painter: Painter, pose: Pose, axles: tuple[float, ...], width: float, radius: float, identity: int
) -> None:
    """Draw tyres as seen from any direction, before the body hides their upper part."""
    for axle in axles:
        for side in (-1, 1):
            outer, inner = (_circle(pose, axle, side * (width / 2 - off), radius, radius) for off in (0.0, 0.22))
            painter.hull(np.concatenate([outer, inner]), RUBBER * 0.9, identity)


def draw_hubs(painter: Painter, pose: Pose, axles: tuple[float, ...], width: float, radius: float) -> None:
    """Draw arches, tyres and rims on the side that faces the camera."""
    camera_right = pose.rightward(0.0, 0.0)
    if abs(camera_right) < width / 2:
        return
    at = np.sign(camera_right) * (width / 2 + 0.03)
    for axle in axles:
        painter.polygon(_circle(pose, axle, at, radius * 1.12, radius), RUBBER * 0.6)
        painter.polygon(_circle(pose, axle, at, radius, radius), RUBBER)
        painter.polygon(_circle(pose, axle, at, radius * 0.6, radius), CHROME * 0.75 * painter.light.ambient)


def _circle(pose: Pose, forward: float, right: float, radius: float, up: float) -> Points:
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    local = np.stack([forward + radius * np.cos(angle), np.full(14, right), up + radius * np.sin(angle)], axis=1)
    return pose.to_world(local)
