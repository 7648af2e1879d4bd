"""The people and things on a sidewalk, its kerb and its verge."""

import numpy as np

from segexp.streetscenes.cycle import bicycle, motorcycle
from segexp.streetscenes.furniture import bin_or_box, bollards, direction_board, lamp, sign, traffic_light
from segexp.streetscenes.human import person
from segexp.streetscenes.plant import bush, tree
from segexp.streetscenes.plots import Greenery
from segexp.streetscenes.street import DISTRICTS, LAST, Side, Street, Strip
from segexp.streetscenes.thing import Thing


def furnish(street: Street, side: Side, greenery: Greenery, rng: np.random.Generator) -> list[Thing]:
    """Everything on the sidewalk of one side."""
    walk = side.find("sidewalk")
    if walk is None:
        return []
    things = _kerb_row(street, side, walk, greenery, rng) + _signs(street, side, walk, rng)
    things += _parked_cycles(street, side, walk, rng) + _people(street, side, walk, rng)
    if street.crossing is not None:
        things += _corner(street, side, walk, rng)
    verge = side.find("terrain")
    if verge is not None:
        for along in np.arange(6, 90, rng.uniform(5, 14)):
            if rng.random() < 0.4 and not street.crossed(along, along):
                place = street.pose(side.sign * verge.middle, float(along))
                plant = bush if rng.random() < 0.5 else tree
                things.append(plant(place, greenery.clumps, greenery.green, rng))
    return things


def _kerb_row(street: Street, side: Side, walk: Strip, greenery: Greenery, rng: np.random.Generator) -> list[Thing]:
    """Trees and lamps in turn, at even distances along the kerb."""
    spacing, first = rng.uniform(7, 13), rng.uniform(5, 14)
    trees = rng.random() < DISTRICTS[street.district].trees
    lamps = rng.random() < 0.85
    things: list[Thing] = []
    for turn, along in enumerate(np.arange(first, LAST, spacing)):
        place = street.pose(side.sign * (walk.start + 0.7), float(along))
        if street.crossed(along - 2, along + 2):
            continue
        if lamps and turn % 2 == 0:
            things.append(lamp(place, rng))
        elif trees:
            things.append(tree(place, greenery.clumps, greenery.green, rng))
    return things


def _signs(street: Street, side: Side, walk: Strip, rng: np.random.Generator) -> list[Thing]:
    things: list[Thing] = []
    for _ in range(int(rng.integers(1, 4))):
        place = street.pose(side.sign * (walk.start + rng.uniform(0.3, 0.6)), rng.uniform(7, 60))
        away = side.sign < 0 and rng.random() < 0.6
        things.append(sign(place._replace(heading=rng.normal(0, 0.15)), rng, back=away))
    if rng.random() < 0.12:
        place = street.pose(side.sign * (walk.start + 1.6), rng.uniform(14, 40))
        things.append(direction_board(place._replace(heading=0.0), rng))
    for _ in range(int(rng.integers(0, 4))):
        near_house = street.pose(side.sign * (walk.end - 0.5), rng.uniform(7, 50))
        things.append(bin_or_box(near_house, rng, "static" if rng.random() < 0.7 else "dynamic"))
    if rng.random() < 0.15:
        things.append(bollards(street.pose(side.sign * (walk.start + 0.4), rng.uniform(10, 35)), rng))
    return things


def _parked_cycles(street: Street, side: Side, walk: Strip, rng: np.random.Generator) -> list[Thing]:
    """A rack of bicycles, labelled one by one near by and as a group far away; a motorcycle now and then."""
    things: list[Thing] = []
    if rng.random() < DISTRICTS[street.district].people * 0.5:
        rack, turn = rng.uniform(8, 40), rng.uniform(0.9, 1.6)
        for slot in range(int(rng.integers(2, 7))):
            place = street.pose(side.sign * (walk.start + 1.1), rack + 0.75 * slot, turn)
            things.append(bicycle(place, rng, group=rack > 30))
    if rng.random() < 0.1:
        things.append(
            motorcycle(street.pose(side.sign * (walk.start + 0.8), rng.uniform(9, 30), rng.normal(0, 0.5)), rng)
        )
    return things


def _people(street: Street, side: Side, walk: Strip, rng: np.random.Generator) -> list[Thing]:
    """Walkers alone and in pairs; a crowd too far away to count is one group."""
    things: list[Thing] = []
    for _ in range(rng.poisson(6.5 * DISTRICTS[street.district].people)):
        along = 7 + 60 * rng.random() ** 1.3
        offset = rng.uniform(walk.start + 0.5, max(walk.end - 0.3, walk.start + 0.6))
        heading = rng.choice([0.0, np.pi]) + rng.normal(0, 0.3)
        for companion in range(1 + int(rng.random() < 0.3)):
            place = street.pose(side.sign * offset + 0.6 * companion, along)
            things.append(person(place._replace(heading=heading), rng))
    if rng.random() < 0.15:
        for _ in range(8):
            place = street.pose(side.sign * rng.uniform(walk.start, walk.end), rng.uniform(50, 62))
            things.append(person(place, rng, group=True))
    return things


def _corner(street: Street, side: Side, walk: Strip, rng: np.random.Generator) -> list[Thing]:
    """Traffic lights before and behind the crossing, and people on the zebra."""
    start, end = street.crossing or (0.0, 0.0)
    things: list[Thing] = []
    if rng.random() < 0.75:
        reach = rng.uniform(2.5, 4.5) if side.sign > 0 and rng.random() < 0.5 else 0.0
        near = street.pose(side.sign * (walk.start + 0.4), start - 4.6)
        far = street.pose(side.sign * (walk.start + 0.4), end + 1.0)
        things += [traffic_light(near._replace(heading=0.0), rng, reach), traffic_light(far._replace(heading=0.0), rng)]
    for _ in range(rng.poisson(0.8)):
        place = street.pose(rng.uniform(-7, 4), start - rng.uniform(1.4, 4.0), np.pi / 2)
        things.append(person(place, rng))
    return things
