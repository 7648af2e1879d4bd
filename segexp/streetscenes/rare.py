"""Rare things take turns, so that every class and many ignored labels occur even in a small set."""

import numpy as np

from segexp.streetscenes.barrier import guard_rail
from segexp.streetscenes.building import bridge
from segexp.streetscenes.cycle import cyclist, motorcycle, motorcyclist
from segexp.streetscenes.front import front
from segexp.streetscenes.furniture import bin_or_box, bollards, traffic_light
from segexp.streetscenes.street import LANE, Side, Street
from segexp.streetscenes.thing import Thing
from segexp.streetscenes.vehicle import bus, caravan, trailer, tram, truck

KINDS = ("tram", "motorcyclist", "light", "bus", "truck", "cyclist", "motorcycle", "bollards")
RARER = ("bridge", "caravan", "trailer", "guard rail", "dynamic")


def rare_kinds(index: int) -> tuple[str, str]:
    """The two rare kinds of things that the scene with this index in its split holds."""
    return KINDS[index % len(KINDS)], RARER[index % len(RARER)]


def rare_things(street: Street, kind: str, rng: np.random.Generator) -> list[Thing]:
    """Things of a rare kind, at a place where they can be seen."""
    near, far = rng.uniform(11, 20), rng.uniform(24, 45)
    side = (street.left, street.right)[rng.integers(2)]
    walk, edge = side.find("sidewalk"), side.strips[0].end
    kerb = street.pose(side.sign * ((walk.start if walk else edge) + 0.5), near)
    parked = street.pose(side.sign * (edge - 1.2), far, 0.0 if side.sign > 0 else np.pi)
    match kind:
        case "tram":
            track = street.left.find("rail track")
            return [tram(street.pose(-(track.middle if track else LANE), far + 6, np.pi), rng)]
        case "bus" | "truck":
            ahead = street.pose(0.0, far) if rng.random() < 0.5 else street.pose(-LANE, far, np.pi)
            return [(bus if kind == "bus" else truck)(ahead, rng)]
        case "cyclist" | "motorcyclist":
            return [(cyclist if kind == "cyclist" else motorcyclist)(street.pose(rng.uniform(0.6, 1.4), near), rng)]
        case "light":
            return [traffic_light(kerb._replace(heading=0.0), rng, reach=2.5 if side.sign > 0 else 0.0)]
        case "motorcycle":
            return [motorcycle(kerb._replace(heading=rng.uniform(0, 3)), rng)]
        case "bollards":
            return [bollards(kerb, rng)]
        case "dynamic":
            return [bin_or_box(kerb, rng, "dynamic")]
        case "bridge":
            return bridge(street, rng.uniform(45, 85), rng)
        case "guard rail":
            return _rail(street, side, rng)
        case _:
            return [(caravan if kind == "caravan" else trailer)(parked, rng)]


def _rail(street: Street, side: Side, rng: np.random.Generator) -> list[Thing]:
    """A guard rail along the edge of the road, in pieces that look alike."""
    seed = int(rng.integers(2**31))
    places = (front(street, side.sign, side.strips[0].end + 0.3, start, start + 6) for start in range(6, 42, 6))
    return [guard_rail(place, np.random.default_rng(seed)) for place in places]
