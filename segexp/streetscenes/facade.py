"""House fronts as textures: walls, storeys of windows, shops, balconies."""

from typing import NamedTuple

import cv2
import numpy as np

from segexp.streetscenes.light import Color
from segexp.streetscenes.noise import fractal
from segexp.streetscenes.painter import Texture
from segexp.streetscenes.texture import dye

PLASTER = [(205, 196, 178), (188, 176, 150), (196, 196, 194), (222, 214, 196), (190, 170, 122), (172, 156, 140)]
BRICK_AND_CONCRETE = [(160, 100, 82), (118, 78, 66), (150, 148, 143), (120, 118, 116), (140, 150, 156), (98, 104, 112)]
WALLS = np.array([*PLASTER, *BRICK_AND_CONCRETE], dtype=np.float64)


class Look(NamedTuple):
    """The look of a house front. Colours are unlit; storey, bay: height and width of the wall of one window, in metres.

    window_width, window_height: shares of bay and storey that are glass.
    """

    wall: Color
    frame: Color
    storey: float
    bay: float
    window_width: float
    window_height: float
    brick: bool
    shop: bool
    balconies: bool


def sample_look(rng: np.random.Generator, shops: float) -> Look:
    modern = rng.random() < 0.25
    wall = WALLS[rng.integers(len(WALLS))] * rng.uniform(0.75, 1.12) + rng.normal(0, 6, 3)
    bright = rng.random() < 0.7
    return Look(
        wall=np.clip(wall, 30, 240),
        frame=np.clip(wall * rng.uniform(0.6, 1.35) if not bright else np.full(3, 215.0), 20, 235),
        storey=rng.uniform(2.8, 3.7),
        bay=rng.uniform(1.9, 3.4),
        window_width=rng.uniform(0.65, 0.94) if modern else rng.uniform(0.36, 0.58),
        window_height=rng.uniform(0.5, 0.8) if modern else rng.uniform(0.45, 0.62),
        brick=bool(rng.random() < 0.25),
        shop=bool(rng.random() < shops),
        balconies=bool(rng.random() < 0.2),
    )


def facade(
    rng: np.random.Generator, look: Look, length: float, height: float, texels: tuple[int, int], night: float
) -> Texture:
    """Unlit picture uint8 [rows, columns, 3] of a front this long and high in metres; row 0 is its top."""
    rows, columns = texels
    picture = _wall(rng, look, rows, columns, rows / height)
    storeys, bays = max(1, round(height / look.storey)), max(1, round(length / look.bay))
    cell_height, cell_width = rows / storeys, columns / bays
    for storey in range(storeys):
        ground_floor = storey == 0
        top = rows - (storey + 1) * cell_height
        if ground_floor and look.shop:
            _shops(rng, picture, top, cell_height, bays)
            continue
        for bay in range(bays):
            _window(rng, picture, look, (bay * cell_width, top, cell_width, cell_height), night)
        if look.balconies and not ground_floor:
            _balcony(picture, look, top, cell_height)
    _cornice(picture, look, cell_height)
    return picture


def _wall(rng: np.random.Generator, look: Look, rows: int, columns: int, scale: float) -> Texture:
    stains = 0.06 * fractal(rng, rows // 2 + 1, columns // 2 + 1, cell=max(rows, columns) / 6, octaves=4)
    soot = np.linspace(1.04, 0.9, rows, dtype=np.float32)[:, None]
    bright = (1 + cv2.resize(stains, (columns, rows))) * soot
    gray = cv2.convertScaleAbs(bright, alpha=128)
    picture = dye(cv2.merge([gray, gray, gray]), look.wall / 128)
    course = scale * 0.35
    if look.brick and course > 3:
        mortar = (np.arange(rows) % course) < 1
        picture[mortar] = picture[mortar] // 8 * 7
    return picture


def _window(
    rng: np.random.Generator, picture: Texture, look: Look, cell: tuple[float, float, float, float], night: float
) -> None:
    left, top, width, height = cell
    glass_width, glass_height = width * look.window_width, height * look.window_height
    x0, y0 = left + (width - glass_width) / 2, top + height * 0.18
    x1, y1 = x0 + glass_width, y0 + glass_height
    border = max(1.0, width * 0.035)
    _rectangle(picture, x0 - border, y0 - border, x1 + border, y1 + border, look.frame)
    _rectangle(picture, x0, y0, x1, y1, _glass(rng, night))
    if rng.random() < 0.4:
        curtain = glass_height * rng.uniform(0.2, 0.9)
        _rectangle(picture, x0, y0, x1, y0 + curtain, np.full(3, rng.uniform(120, 205)))
    if width > 14:
        middle = (x0 + x1) / 2
        _rectangle(picture, middle - border / 2, y0, middle + border / 2, y1, look.frame)
    _rectangle(picture, x0 - border, y1 + border, x1 + border, y1 + 2 * border, look.wall * 0.6)


def _glass(rng: np.random.Generator, night: float) -> Color:
    if night and rng.random() < 0.3:
        return np.array([255.0, 205.0, 135.0]) * rng.uniform(1.0, 1.7)
    reflection = rng.uniform(0, 1) ** 3
    return np.array([42.0, 47.0, 54.0]) * (1 - reflection) + np.array([165.0, 180.0, 195.0]) * reflection


def _shops(rng: np.random.Generator, picture: Texture, top: float, height: float, bays: int) -> None:
    """Wide dark windows under coloured signs, a few bays each."""
    columns = picture.shape[1]
    shops = max(1, bays // 3)
    for shop in range(shops):
        left, right = columns * shop / shops, columns * (shop + 1) / shops
        margin = (right - left) * 0.04
        sign = rng.uniform(30, 220, 3) if rng.random() < 0.55 else np.full(3, rng.uniform(60, 220))
        _rectangle(picture, left + margin, top, right - margin, top + height * 0.2, sign)
        for pane in range(3):
            start = left + margin + (right - left - 2 * margin) * pane / 3
            end = start + (right - left - 2 * margin) / 3 - max(1.0, margin)
            _rectangle(picture, start, top + height * 0.24, end, top + height * 0.9, _glass(rng, 0.0) * 0.9)


def _balcony(picture: Texture, look: Look, top: float, height: float) -> None:
    columns = picture.shape[1]
    for start in (0.15, 0.6):
        left, right = columns * start, columns * (start + 0.25)
        _rectangle(picture, left, top + height * 0.72, right, top + height * 0.98, look.frame * 0.75)
        _rectangle(picture, left, top + height * 0.98, right, top + height * 1.04, look.wall * 0.5)


def _cornice(picture: Texture, look: Look, height: float) -> None:
    columns = picture.shape[1]
    _rectangle(picture, 0, 0, columns, height * 0.1, np.minimum(look.wall * 1.1, 245))
    _rectangle(picture, 0, height * 0.1, columns, height * 0.14, look.wall * 0.55)


def _rectangle(picture: Texture, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
    corners = (round(x0), round(y0)), (round(x1) - 1, round(y1) - 1)
    cv2.rectangle(picture, *corners, (float(color[0]), float(color[1]), float(color[2])), cv2.FILLED)
