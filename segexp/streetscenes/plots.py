"""The plots behind the sidewalk: rows of houses, and gaps with walls, fences, hedges and trees."""

from typing import NamedTuple

import numpy as np

from segexp.streetscenes.barrier import fence, guard_rail, hedge, wall
from segexp.streetscenes.building import house
from segexp.streetscenes.car import car
from segexp.streetscenes.front import front
from segexp.streetscenes.light import Color
from segexp.streetscenes.plant import Clump, bush, tree
from segexp.streetscenes.street import DISTRICTS, FIRST, LAST, Side, Street
from segexp.streetscenes.thing import Thing

CORNER, PIECE, STOREY = 3.0, 6.0, 3.3
"""Metres: from a crossing road to the first house, of a fence in one piece, of a storey."""
BARRIERS = {"wall": wall, "fence": fence, "guard rail": guard_rail}


class Greenery(NamedTuple):
    """Clumps of leaves and the leaf colour that all plants of a scene share."""

    clumps: list[Clump]
    green: Color


def line_street(street: Street, side: Side, greenery: Greenery, rng: np.random.Generator) -> list[Thing]:
    """Plots one after another along one side, from the camera to the end of the street."""
    habits = DISTRICTS[street.district]
    storeys = int(rng.integers(habits.storeys[0], habits.storeys[1] + 1))
    things: list[Thing] = []
    start, free = FIRST, True
    while start < LAST:
        end = start + rng.uniform(9, 22)
        if street.crossing is not None and street.crossed(start - CORNER, end + CORNER):
            before, behind = street.crossing[0] - CORNER, street.crossing[1] + CORNER
            start, end, free = (start, before, free) if before - start > 5 else (behind, behind + 14, True)
        gap = rng.random() < habits.gap
        if gap:
            things += _gap(street, side, start, end, greenery, rng)
        else:
            height = max(1, storeys + int(rng.integers(-1, 2))) * STOREY + rng.uniform(0, 1.2)
            things += _house_plot(street, side, (start, end), height, free, greenery, rng)
        start, free = end, gap
    return things


def _house_plot(
    street: Street,
    side: Side,
    extent: tuple[float, float],
    height: float,
    free: bool,
    greenery: Greenery,
    rng: np.random.Generator,
) -> list[Thing]:
    """A house at the sidewalk, or behind a front garden in quiet districts."""
    garden = rng.uniform(3, 7) if street.district in ("suburb", "park", "works") else 0.0
    shops = {"center": 0.6, "boulevard": 0.4}.get(street.district, 0.05)
    things = [house(front(street, side.sign, side.front + garden, *extent), height, shops, free, rng)]
    if garden:
        things += _boundary(street, side, *extent, greenery, rng)
        if rng.random() < 0.6:
            place = street.pose(side.sign * (side.front + garden / 2), rng.uniform(*extent))
            things.append(bush(place, greenery.clumps, greenery.green, rng))
    return things


def _gap(
    street: Street, side: Side, start: float, end: float, greenery: Greenery, rng: np.random.Generator
) -> list[Thing]:
    """Trees behind a fence or the like, or parked cars."""
    things = _boundary(street, side, start, end, greenery, rng)
    if side.yard == "parking" or rng.random() < 0.12:
        for along in np.arange(max(start, 8.0), end, 2.8):
            place = street.pose(side.sign * (side.front + 4.0), along, side.sign * np.pi / 2)
            things += [car(place, rng)] if rng.random() < 0.6 else []
        return things
    for along in np.arange(start, end, rng.uniform(4, 8)):
        place = street.pose(side.sign * (side.front + rng.uniform(3, 12)), along + rng.uniform(0, 3))
        things.append(tree(place, greenery.clumps, greenery.green, rng))
    return things


def _boundary(
    street: Street, side: Side, start: float, end: float, greenery: Greenery, rng: np.random.Generator
) -> list[Thing]:
    """Pieces of wall, fence, hedge or rail a few metres long, so that they sort well from far to near."""
    kind = str(rng.choice(["wall", "fence", "guard rail", "hedge", "none"], p=[0.25, 0.38, 0.05, 0.2, 0.12]))
    height, seed = rng.uniform(0.8, 2.4), int(rng.integers(2**31))
    things: list[Thing] = []
    for near in np.arange(max(start, 4.0), end - 0.1, PIECE):
        place = front(street, side.sign, side.front, float(near), float(min(near + PIECE, end)))
        if kind in BARRIERS:
            things.append(BARRIERS[kind](place, np.random.default_rng(seed)))  # all pieces look alike
        elif kind == "hedge":
            clump = greenery.clumps[rng.integers(len(greenery.clumps))]
            things.append(hedge(place, height, clump, greenery.green * 0.9))
    return things
