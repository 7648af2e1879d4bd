"""Bicycles and motorcycles, parked or ridden."""

from functools import partial

import numpy as np

from segexp.streetscenes.human import Looks, Posture, draw_body, sample_looks
from segexp.streetscenes.light import Color
from segexp.streetscenes.painter import Painter
from segexp.streetscenes.solid import Block, Panel, draw_block
from segexp.streetscenes.thing import Pose, Thing

RUBBER = np.array([28.0, 28.0, 30.0])
PEDALLING = Posture(
    head=(0.28, 0.0, 1.62),
    shoulders=(0.20, 1.40),
    hips=(-0.18, 0.95),
    knees=((0.22, 0.80), (0.16, 0.58)),
    feet=((0.10, 0.48), (0.02, 0.16)),
    hands=((0.48, -0.24, 1.04), (0.48, 0.24, 1.04)),
)
ASTRIDE = Posture(
    head=(0.12, 0.0, 1.52),
    shoulders=(0.06, 1.28),
    hips=(-0.2, 0.82),
    knees=((0.22, 0.68), (0.22, 0.68)),
    feet=((0.05, 0.28), (0.05, 0.28)),
    hands=((0.5, -0.3, 1.02), (0.5, 0.3, 1.02)),
)


def bicycle(pose: Pose, rng: np.random.Generator, group: bool = False) -> Thing:
    return Thing(pose, (1.75, 0.5, 1.1), partial(_draw_bicycle, frame=_paint(rng), group=group))


def cyclist(pose: Pose, rng: np.random.Generator) -> Thing:
    draw = partial(_draw_cyclist, frame=_paint(rng), looks=sample_looks(rng), helmet=bool(rng.random() < 0.5))
    return Thing(pose, (1.75, 0.6, 1.75), draw)


def motorcycle(pose: Pose, rng: np.random.Generator) -> Thing:
    return Thing(pose, (2.1, 0.75, 1.15), partial(_draw_motorcycle, paint=_paint(rng)))


def motorcyclist(pose: Pose, rng: np.random.Generator) -> Thing:
    draw = partial(_draw_motorcyclist, paint=_paint(rng), looks=sample_looks(rng), helmet=_paint(rng))
    return Thing(pose, (2.1, 0.75, 1.7), draw)


def _paint(rng: np.random.Generator) -> Color:
    paints = [(36, 36, 40), (150, 30, 30), (180, 182, 184), (40, 60, 110), (210, 208, 200), (60, 90, 66)]
    return np.array(paints[rng.integers(len(paints))]) * rng.uniform(0.8, 1.15)


def _draw_cyclist(painter: Painter, pose: Pose, frame: Color, looks: Looks, helmet: bool) -> None:
    _draw_bicycle(painter, pose, frame, group=False)
    looks = looks._replace(hair=frame * 1.2) if helmet else looks
    draw_body(painter, pose, looks, PEDALLING, 1.0, painter.identity("rider"))


def _draw_motorcyclist(painter: Painter, pose: Pose, paint: Color, looks: Looks, helmet: Color) -> None:
    _draw_motorcycle(painter, pose, paint)
    draw_body(painter, pose, looks._replace(hair=helmet, skin=helmet * 0.8), ASTRIDE, 1.0, painter.identity("rider"))


def _draw_bicycle(painter: Painter, pose: Pose, frame: Color, group: bool) -> None:
    """Draw thin bars in the picture; wheels and frame are filled in the labels, as annotators do."""
    identity = painter.identity("bicycle", group)
    lit = painter.light.ambient + 0.4 * painter.light.sunlight
    for axle in (-0.52, 0.55):
        _ring(painter, pose, axle, 0.34, 0.022, RUBBER * lit * 1.5, identity)
    crank, seat, head = (0.0, 0.0, 0.30), (-0.16, 0.0, 0.86), (0.40, 0.0, 0.88)
    painter.polygon(np.array([pose.point(*corner) for corner in (crank, seat, head)]), None, identity)
    back, front, grip = (-0.52, 0.0, 0.34), (0.55, 0.0, 0.34), (0.44, 0.0, 1.04)
    bars = [(crank, seat), (crank, head), (seat, head), (crank, back), (seat, back), (head, front), (head, grip)]
    bars.append(((0.44, -0.27, 1.04), (0.44, 0.27, 1.04)))
    for start, end in bars:
        painter.limb(pose.point(*start), pose.point(*end), 0.024, frame * lit, identity)
    painter.limb(pose.point(-0.28, 0, 0.93), pose.point(-0.04, 0, 0.94), 0.05, RUBBER * lit, identity)


def _draw_motorcycle(painter: Painter, pose: Pose, paint: Color) -> None:
    identity = painter.identity("motorcycle")
    lit = painter.light.ambient + 0.4 * painter.light.sunlight
    for axle in (-0.68, 0.72):
        _ring(painter, pose, axle, 0.32, 0.07, RUBBER * lit, identity)
    draw_block(painter, pose, Block(-0.35, 0.35, 0.17, 0.28, 0.62), RUBBER * 1.8, identity)
    lamp = np.array([170.0, 24.0, 22.0])
    seat = Block(-0.95, 0.05, 0.15, 0.66, 0.82, 0.0, 0.1, 0.03)
    draw_block(painter, pose, seat, RUBBER * 1.3, identity, [Panel("back", 0.2, 0.8, 0.3, 0.9, lamp, 0.5)])
    draw_block(painter, pose, Block(-0.05, 0.5, 0.16, 0.62, 0.98, 0.1, 0.15, 0.04), paint, identity)
    painter.limb(pose.point(0.72, 0, 0.32), pose.point(0.46, 0, 1.0), 0.05, RUBBER * lit * 2, identity)
    painter.limb(pose.point(0.42, -0.36, 1.05), pose.point(0.42, 0.36, 1.05), 0.03, RUBBER * lit, identity)
    painter.limb(pose.point(0.62, 0, 0.88), pose.point(0.62, 0, 0.88), 0.1, np.array([215.0, 215.0, 205.0]), identity)


def _ring(painter: Painter, pose: Pose, axle: float, radius: float, tyre: float, color: Color, identity: int) -> None:
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    rim = np.stack([axle + radius * np.cos(angle), np.zeros(14), radius + radius * np.sin(angle)], axis=1)
    painter.loop(pose.to_world(rim), tyre, color, identity)
