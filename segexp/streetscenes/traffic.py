"""Vehicles: parked at the kerb, driving in the lanes, crossing the street."""

import numpy as np

from segexp.streetscenes.car import car
from segexp.streetscenes.cycle import cyclist, motorcyclist
from segexp.streetscenes.street import LANE, LAST, Side, Street
from segexp.streetscenes.thing import Maker, Thing
from segexp.streetscenes.vehicle import bus, caravan, tram, truck


def park(street: Street, side: Side, rng: np.random.Generator) -> list[Thing]:
    """A row of parked cars with free places in between."""
    bay = side.find("parking") or side.find("kerbside")
    if bay is None:
        return []
    filled, along = rng.uniform(0.15, 0.9), rng.uniform(8, 18)
    along_traffic = 0.0 if side.sign > 0 else np.pi
    things: list[Thing] = []
    while along < LAST:
        if rng.random() < filled and not street.crossed(along - 5, along + 5):
            turn = along_traffic + rng.normal(0, 0.03)
            place = street.pose(side.sign * (bay.middle + rng.normal(0, 0.1)), along, turn)
            things.append(_parked_maker(rng)(place, rng))
        along += rng.uniform(5.6, 6.8)
    return things


def drive(street: Street, rng: np.random.Generator) -> list[Thing]:
    """Vehicles ahead in our direction and oncoming ones, none overlapping in its lane."""
    things: list[Thing] = []
    for lane in range(-int((street.left.strips[0].end - 1) // LANE), int((street.right.strips[0].end - 1) // LANE) + 1):
        oncoming = lane < 0
        along = rng.uniform(11, 45) if lane == 0 else rng.uniform(9, 45)
        while along < LAST and rng.random() < 0.65:
            place = street.pose(lane * LANE + rng.normal(0, 0.2), along, np.pi if oncoming else 0.0)
            things.append(_driven_maker(rng)(place, rng))
            along += 16 + rng.exponential(25)
    return things + _riders(street, rng) + _crossing(street, rng)


def ride_track(street: Street, rng: np.random.Generator) -> list[Thing]:
    """A tram on its rails, if the street has any."""
    track = street.left.find("rail track")
    if track is None:
        return []
    place = street.pose(-track.middle, rng.uniform(24, 60), np.pi)
    return [tram(place, rng)] if rng.random() < 0.6 else []


def _parked_maker(rng: np.random.Generator) -> Maker:
    return caravan if rng.random() < 0.015 else car


def _driven_maker(rng: np.random.Generator) -> Maker:
    kinds: tuple[Maker, ...] = (car, truck, bus, motorcyclist)
    return kinds[rng.choice(len(kinds), p=[0.94, 0.025, 0.015, 0.02])]


def _riders(street: Street, rng: np.random.Generator) -> list[Thing]:
    """Cyclists at the right edge of either direction."""
    things: list[Thing] = []
    for side in (street.left, street.right):
        for _ in range(rng.poisson(0.18)):
            turn = 0.0 if side.sign > 0 else np.pi
            place = street.pose(side.sign * (side.strips[0].end - 0.8), rng.uniform(9, 45), turn)
            things.append(cyclist(place, rng))
    return things


def _crossing(street: Street, rng: np.random.Generator) -> list[Thing]:
    """Cars that come from the side."""
    if street.crossing is None:
        return []
    start, end = street.crossing
    middle = (start + end) / 2
    things: list[Thing] = []
    for half, turn in ((-1, np.pi / 2), (1, -np.pi / 2)):
        if rng.random() < 0.45:
            place = street.pose(rng.uniform(-14, 12), middle + half * (end - start) / 4)
            things.append(_driven_maker(rng)(place._replace(heading=turn), rng))
    return things
