"""Large vehicles: trucks, buses, trams, caravans and trailers."""

from functools import partial

import numpy as np

from segexp.streetscenes.car import GLASS, HEAD, PLATE, RUBBER, TAIL, draw_hubs, draw_wheels
from segexp.streetscenes.light import Color
from segexp.streetscenes.painter import Painter
from segexp.streetscenes.solid import Block, Panel, draw_block
from segexp.streetscenes.thing import Pose, Thing


def truck(pose: Pose, rng: np.random.Generator) -> Thing:
    """A cab and a box, or an open bed with its load."""
    length, height = rng.uniform(6.0, 11.0), rng.uniform(2.6, 3.8)
    colors = _paint(rng), _paint(rng)
    draw = partial(_draw_truck, length=length, height=height, colors=colors)
    return Thing(pose, (length, 2.4, height), draw)


def bus(pose: Pose, rng: np.random.Generator) -> Thing:
    draw = partial(_draw_coach, label="bus", length=12.0, height=3.1, low=0.3, paint=_paint(rng), stripe=_paint(rng))
    return Thing(pose, (12.0, 2.5, 3.1), draw)


def tram(pose: Pose, rng: np.random.Generator) -> Thing:
    length = rng.uniform(18.0, 30.0)
    draw = partial(
        _draw_coach, label="train", length=length, height=3.5, low=0.25, paint=_paint(rng), stripe=_paint(rng)
    )
    return Thing(pose, (length, 2.4, 3.5), draw)


def caravan(pose: Pose, rng: np.random.Generator) -> Thing:
    paint = np.array([1.0, 0.99, 0.96]) * rng.uniform(190, 230)
    return Thing(pose, (5.2, 2.2, 2.6), partial(_draw_caravan, paint=paint, stripe=_paint(rng)))


def trailer(pose: Pose, rng: np.random.Generator) -> Thing:
    height = rng.uniform(0.9, 2.0)
    return Thing(pose, (2.8, 1.7, height), partial(_draw_trailer, height=height, paint=_paint(rng)))


def _paint(rng: np.random.Generator) -> Color:
    paints = [
        (222, 222, 218),
        (186, 60, 44),
        (214, 184, 60),
        (52, 84, 140),
        (90, 92, 96),
        (62, 104, 74),
        (150, 152, 154),
    ]
    return np.array(paints[rng.choice(len(paints), p=[0.3, 0.14, 0.12, 0.12, 0.12, 0.08, 0.12])]) * rng.uniform(
        0.8, 1.08
    )


def _draw_truck(painter: Painter, pose: Pose, length: float, height: float, colors: tuple[Color, Color]) -> None:
    identity = painter.identity("truck")
    half, cab = length / 2, 1.9
    axles = (-half + 1.0, -half + 2.2, half - 1.1)
    draw_wheels(painter, pose, axles, 2.35, 0.48, identity)
    box = Block(-half, half - cab - 0.2, 1.22, 0.95, height)
    front = Block(half - cab, half, 1.15, 0.5, min(height, 2.8), 0.0, 0.25, 0.05)
    parts = [
        (box, colors[1], _cargo_panels()),
        (Block(-half, half, 0.9, 0.55, 0.95), RUBBER * 2, _tail_lamps(painter, 0.1, 0.9)),
        (front, colors[0], _cab_panels(painter)),
    ]
    for block, color, panels in sorted(parts, key=lambda part: -_distance(pose, part[0])):
        draw_block(painter, pose, block, color, identity, panels)
    draw_hubs(painter, pose, axles, 2.35, 0.48)


def _distance(pose: Pose, block: Block) -> float:
    return float(np.hypot(*pose.point((block.back + block.front) / 2, 0, 0)[[0, 2]]))


def _cargo_panels() -> list[Panel]:
    seam = RUBBER * 2.5
    doors = [Panel("back", 0.49, 0.51, 0.02, 0.98, seam), Panel("back", 0.0, 1.0, 0.0, 0.03, seam)]
    return doors + [Panel(side, 0.0, 1.0, 0.0, 0.04, seam) for side in ("left", "right")]


def _cab_panels(painter: Painter) -> list[Panel]:
    glass = GLASS * 0.8 + painter.light.sky_low * 0.2
    panels = [Panel("front", 0.06, 0.94, 0.5, 0.9, glass, 0.4), Panel("front", 0.2, 0.8, 0.1, 0.4, RUBBER * 1.4)]
    panels += [Panel(side, 0.2, 0.8, 0.5, 0.88, glass, 0.3) for side in ("left", "right")]
    return panels + _head_lamps(painter)


def _draw_coach(
    painter: Painter, pose: Pose, label: str, length: float, height: float, low: float, paint: Color, stripe: Color
) -> None:
    """Draw a bus or tram: a long body with a band of windows, doors and a destination sign."""
    identity = painter.identity(label)
    half = length / 2
    axles = (-half + 2.8, half - 2.6) if label == "bus" else ()
    draw_wheels(painter, pose, axles, 2.45, 0.46, identity)
    nose = 0.2 if label == "bus" else 0.9
    back = 0.08 if label == "bus" else 0.9
    body = Block(-half, half, 1.25, low, height, back, nose, 0.06)
    panels = _coach_panels(painter, stripe, length) + _head_lamps(painter) + _tail_lamps(painter, 0.12, 0.22)
    draw_block(painter, pose, body, paint, identity, panels)
    draw_hubs(painter, pose, axles, 2.45, 0.46)


def _coach_panels(painter: Painter, stripe: Color, length: float) -> list[Panel]:
    glass = GLASS * 0.82 + painter.light.sky_low * 0.18
    lamp = np.array([240.0, 170.0, 60.0])
    panels = [Panel("front", 0.05, 0.95, 0.38, 0.84, glass, 0.4), Panel("front", 0.25, 0.75, 0.87, 0.96, lamp, 0.8)]
    panels += [Panel("back", 0.1, 0.9, 0.52, 0.86, glass, 0.4), Panel("back", 0.4, 0.6, 0.24, 0.3, PLATE)]
    windows = max(4, round(length / 1.7))
    for side in ("left", "right"):
        panels.append(Panel(side, 0.0, 1.0, 0.12, 0.3, stripe))
        for window in range(windows):
            start = 0.02 + 0.96 * window / windows
            door = window % 4 == 1
            panels.append(Panel(side, start, start + 0.88 / windows, 0.06 if door else 0.42, 0.86, glass, 0.35))
    return panels


def _draw_caravan(painter: Painter, pose: Pose, paint: Color, stripe: Color) -> None:
    identity = painter.identity("caravan")
    draw_wheels(painter, pose, (-0.3, 0.5), 2.0, 0.32, identity)
    panels = [Panel("back", 0.15, 0.85, 0.5, 0.82, GLASS * 1.3), *_tail_lamps(painter, 0.06, 0.14)]
    for side in ("left", "right"):
        panels += [Panel(side, 0.1, 0.35, 0.5, 0.8, GLASS * 1.3), Panel(side, 0.6, 0.85, 0.5, 0.8, GLASS * 1.3)]
        panels.append(Panel(side, 0.0, 1.0, 0.25, 0.32, stripe))
    draw_block(painter, pose, Block(-2.5, 2.3, 1.1, 0.4, 2.6, 0.1, 0.5, 0.05), paint, identity, panels)


def _draw_trailer(painter: Painter, pose: Pose, height: float, paint: Color) -> None:
    identity = painter.identity("trailer")
    draw_wheels(painter, pose, (0.0,), 1.7, 0.3, identity)
    draw_block(painter, pose, Block(-1.3, 1.2, 0.8, 0.45, height), paint, identity, _tail_lamps(painter, 0.02, 0.2))
    painter.limb(pose.point(1.2, 0, 0.5), pose.point(2.2, 0, 0.5), 0.05, RUBBER * 2, identity)
    draw_hubs(painter, pose, (0.0,), 1.7, 0.3)


def _head_lamps(painter: Painter) -> list[Panel]:
    glow = 0.3 + 0.7 * painter.light.night
    return [Panel("front", left, left + 0.16, 0.1, 0.2, HEAD, glow) for left in (0.06, 0.78)]


def _tail_lamps(painter: Painter, low: float, high: float) -> list[Panel]:
    glow = 0.2 + 0.8 * painter.light.night
    return [Panel("back", left, left + 0.08, low, high, TAIL, glow) for left in (0.03, 0.89)]
