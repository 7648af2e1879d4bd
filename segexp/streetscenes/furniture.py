"""Things on sidewalks: poles, lamps, signs, traffic lights and bins."""

from functools import partial

import numpy as np

from segexp.streetscenes.camera import Points
from segexp.streetscenes.light import Color
from segexp.streetscenes.painter import Painter
from segexp.streetscenes.solid import Block, Panel, draw_block
from segexp.streetscenes.thing import Pose, Thing

RED, WHITE, BLUE = np.array([178.0, 30.0, 34.0]), np.array([226.0, 226.0, 222.0]), np.array([28.0, 78.0, 160.0])
YELLOW, BLACK, TIN = np.array([222.0, 186.0, 40.0]), np.array([30.0, 30.0, 32.0]), np.array([136.0, 138.0, 140.0])
ROUND = np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 16, endpoint=False)])
OCTAGON = np.array([[np.cos(a), np.sin(a)] for a in np.arange(8) * np.pi / 4 + np.pi / 8])
TRIANGLE = np.array([(-1.0, -0.75), (1.0, -0.75), (0.0, 1.0)])
YIELD, DIAMOND = -TRIANGLE, np.array([(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)])
SQUARE = np.array([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)])
SIGNS = (
    ((ROUND, RED, 1.0), (ROUND, WHITE, 0.74)),
    ((TRIANGLE, RED, 1.0), (TRIANGLE, WHITE, 0.68)),
    ((YIELD, RED, 1.0), (YIELD, WHITE, 0.68)),
    ((OCTAGON, WHITE, 1.0), (OCTAGON, RED, 0.92)),
    ((ROUND, WHITE, 1.0), (ROUND, BLUE, 0.94)),
    ((SQUARE, WHITE, 1.0), (SQUARE, BLUE, 0.92)),
    ((DIAMOND, WHITE, 1.0), (DIAMOND, YELLOW, 0.78)),
    ((ROUND, RED, 1.0), (ROUND, BLUE, 0.8)),
    ((SQUARE * (1.0, 0.45), BLACK, 1.0), (SQUARE * (1.0, 0.45), WHITE, 0.93)),
)


def lamp(pose: Pose, rng: np.random.Generator) -> Thing:
    height = rng.uniform(4.0, 9.0)
    return Thing(pose, (0.2, 0.2, height), partial(_draw_lamp, height=height, color=_metal(rng), arm=rng.uniform(0, 2)))


def sign(pose: Pose, rng: np.random.Generator, back: bool = False) -> Thing:
    """One or two signs on a post; back: seen from behind, where the benchmark calls them static."""
    plates = [SIGNS[i] for i in rng.choice(len(SIGNS), 1 + int(rng.random() < 0.35), replace=False)]
    size = rng.uniform(0.3, 0.48)
    draw = partial(_draw_sign, plates=plates, size=size, height=rng.uniform(2.1, 2.7), color=_metal(rng), back=back)
    return Thing(pose, (0.1, 0.3, 2.8), draw)


def direction_board(pose: Pose, rng: np.random.Generator) -> Thing:
    """A large board on two posts that shows the way."""
    face = (YELLOW, BLUE, WHITE)[rng.integers(3)]
    return Thing(pose, (0.2, 2.4, 3.4), partial(_draw_board, face=face, width=rng.uniform(1.4, 2.6)))


def traffic_light(pose: Pose, rng: np.random.Generator, reach: float = 0.0) -> Thing:
    """Lamps on a post, and a second set above the road if reach (metres to the left) is given."""
    draw = partial(_draw_traffic_light, lit=int(rng.integers(3)), color=_metal(rng), reach=reach)
    return Thing(pose, (0.3, 0.3, 3.2), draw)


def bin_or_box(pose: Pose, rng: np.random.Generator, label: str = "static") -> Thing:
    """A litter bin, letter box or switch box (static); a wheeled bin or pram (dynamic)."""
    width, height = rng.uniform(0.4, 1.0), rng.uniform(0.7, 1.5)
    color = (
        np.array([(90, 94, 92), (60, 66, 60), (190, 164, 50), (150, 60, 44), (130, 130, 128)])[rng.integers(5)] * 1.0
    )
    return Thing(pose, (width, width, height), partial(_draw_box, label=label, width=width, height=height, color=color))


def bollards(pose: Pose, rng: np.random.Generator) -> Thing:
    """Posts so close together that the benchmark calls them one group."""
    return Thing(pose, (4.0, 0.2, 0.9), partial(_draw_bollards, count=int(rng.integers(4, 8)), color=_metal(rng)))


def _metal(rng: np.random.Generator) -> Color:
    return np.array([1.0, 1.0, 0.98]) * rng.choice([rng.uniform(40, 80), rng.uniform(95, 165)])


def draw_pole(painter: Painter, start: Points, end: Points, radius: float, color: Color, label: str = "pole") -> None:
    """Draw a tube with a lit edge."""
    lit = color * painter.light.ambient
    painter.limb(start, end, radius, lit, painter.identity(label))
    edge = np.array([0.45 * radius * np.sign(painter.light.sun[0]), 0.0, 0.0])
    bright = color * (painter.light.ambient + 0.6 * painter.light.sunlight)
    painter.limb(start + edge, end + edge, radius * 0.4, bright, None)


def _draw_lamp(painter: Painter, pose: Pose, height: float, color: Color, arm: float) -> None:
    top = pose.point(0, 0, height)
    draw_pole(painter, pose.point(0, 0, 0), top, 0.065, color)
    end = pose.point(0, -np.sign(pose.x) * arm, height + 0.15)
    draw_pole(painter, top, end, 0.05, color)
    glow = np.array([255.0, 226.0, 170.0]) if painter.light.night else color * 1.1
    painter.limb(end, pose.point(0, -np.sign(pose.x) * (arm + 0.5), height + 0.15), 0.1, glow, painter.identity("pole"))


def _draw_sign(
    painter: Painter, pose: Pose, plates: list, size: float, height: float, color: Color, back: bool
) -> None:
    draw_pole(painter, pose.point(0, 0, 0), pose.point(0, 0, height + size), 0.04, color)
    for place, layers in enumerate(plates):
        middle = height - place * 2.1 * size
        for layer, (shape, paint, scale) in enumerate(layers[:1] if back else layers):
            local = np.insert(shape * scale * size, 0, -0.06, axis=1)
            local[:, 2] += middle
            lit = (TIN if back else paint) * (painter.light.ambient + 0.5 * painter.light.sunlight)
            identity = painter.identity("static" if back else "traffic sign") if layer == 0 else None
            painter.polygon(pose.to_world(local), lit, identity)


def _draw_board(painter: Painter, pose: Pose, face: Color, width: float) -> None:
    for side in (-0.35, 0.35):
        draw_pole(painter, pose.point(0, side * width, 0), pose.point(0, side * width, 2.6), 0.05, TIN)
    ink = WHITE if face is BLUE else BLACK
    lines = [Panel("back", 0.1, end, low, low + 0.1, ink) for end, low in ((0.8, 0.68), (0.6, 0.42), (0.7, 0.16))]
    draw_block(painter, pose, Block(-0.1, 0.0, width / 2, 2.1, 3.3), face, painter.identity("traffic sign"), lines)


def _draw_traffic_light(painter: Painter, pose: Pose, lit: int, color: Color, reach: float) -> None:
    height = 5.6 if reach else 3.3
    draw_pole(painter, pose.point(0, 0, 0), pose.point(0, 0, height), 0.075, color)
    _draw_lamps(painter, pose, 0.0, 2.3, lit)
    if reach:
        draw_pole(painter, pose.point(0, 0, height), pose.point(0, -reach, height), 0.06, color)
        _draw_lamps(painter, pose, -reach, height - 0.6, lit)


def _draw_lamps(painter: Painter, pose: Pose, right: float, low: float, lit: int) -> None:
    """Draw red, amber and green from the top; one of them shines."""
    at = pose.point(-0.1, right, 0)
    place = pose._replace(x=float(at[0]), z=float(at[2]))
    draw_block(painter, place, Block(-0.12, 0.12, 0.19, low, low + 1.05), BLACK, painter.identity("traffic light"))
    for lens, color in enumerate(((235.0, 40.0, 30.0), (245.0, 170.0, 30.0), (40.0, 215.0, 130.0))):
        shine = np.array(color) * (1.0 if lens == lit else 0.22)
        middle = place.point(-0.14, 0, low + 0.87 - lens * 0.34)
        painter.limb(middle, middle, 0.125, shine, None)


def _draw_box(painter: Painter, pose: Pose, label: str, width: float, height: float, color: Color) -> None:
    half = width / 2
    lid = [Panel(face, 0.0, 1.0, 0.82, 1.0, color * 0.6) for face in ("back", "left", "right")]
    draw_block(painter, pose, Block(-half, half, half, 0.05, height), color, painter.identity(label), lid)


def _draw_bollards(painter: Painter, pose: Pose, count: int, color: Color) -> None:
    for along in np.linspace(2.0, -2.0, count):
        draw_pole(painter, pose.point(along, 0, 0), pose.point(along, 0, 0.95), 0.06, color, "polegroup")
