"""The plan of a street: how it bends, and which strips lie beside each other across it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from segexp.streetscenes.camera import Points
from segexp.streetscenes.thing import Pose

FIRST, LAST = 3.5, 130.0
"""Distances along the street between which things stand, in metres before the camera."""
LANE = 3.25


class Strip(NamedTuple):
    """A part of the cross-section from the camera outwards, in metres."""

    kind: str
    start: float
    end: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2

    @property
    def width(self) -> float:
        return self.end - self.start


class Side(NamedTuple):
    """One side of the street.  sign: -1 left, 1 right; lanes, track, parking, sidewalk, verge; then the fronts."""

    sign: int
    strips: tuple[Strip, ...]

    def find(self, kind: str) -> Strip | None:
        return next((strip for strip in self.strips if strip.kind == kind), None)

    @property
    def front(self) -> float:
        """Distance of the house fronts from the camera's lane."""
        return self.strips[-2].end

    @property
    def yard(self) -> str:
        return self.strips[-1].kind


@dataclass(frozen=True)
class Street:
    """The plan of one street.  bend: curvature in 1 / metre, positive to the right.

    crossing: start and end of a crossing road, in metres along the street.
    """

    district: str
    bend: float
    left: Side
    right: Side
    crossing: tuple[float, float] | None

    def center(self, along: Points) -> Points:
        """World x of the camera's lane at these distances."""
        return np.asarray(self.bend / 2 * along**2)

    def pose(self, offset: float, along: float, turn: float = 0.0) -> Pose:
        """A place this far right of the lane's middle, turned against the direction of the street."""
        return Pose(self.bend / 2 * along**2 + offset, along, float(np.arctan(self.bend * along)) + turn)

    def crossed(self, start: float, end: float) -> bool:
        return self.crossing is not None and start < self.crossing[1] and end > self.crossing[0]


class Habits(NamedTuple):
    """The usual street of a district: numbers of lanes and storeys, widths in metres, everything else in 0..1."""

    lanes: tuple[int, int]
    sidewalk: tuple[float, float]
    verge: float
    parking: float
    track: float
    storeys: tuple[int, int]
    gap: float
    trees: float
    people: float


DISTRICTS = {
    "center": Habits((1, 2), (3.0, 6.0), 0.08, 0.45, 0.1, (4, 7), 0.08, 0.5, 1.0),
    "boulevard": Habits((1, 3), (3.5, 6.5), 0.45, 0.4, 0.2, (4, 7), 0.15, 0.95, 0.7),
    "suburb": Habits((1, 1), (1.8, 3.2), 0.5, 0.5, 0.0, (1, 3), 0.4, 0.7, 0.4),
    "park": Habits((1, 2), (2.2, 4.0), 0.85, 0.3, 0.12, (3, 5), 0.7, 0.95, 0.5),
    "works": Habits((1, 2), (1.8, 3.0), 0.5, 0.35, 0.12, (1, 4), 0.45, 0.4, 0.3),
}


def sample_street(rng: np.random.Generator, track: bool = False) -> Street:
    """A street of a random district; with rails at its side if asked for."""
    district = str(rng.choice(list(DISTRICTS), p=[0.38, 0.24, 0.15, 0.13, 0.10]))
    bend = 0.0 if rng.random() < 0.45 else rng.normal(0, 1 / 300)
    start = rng.uniform(14, 45)
    crossing = (start, start + rng.uniform(7, 13)) if rng.random() < 0.35 else None
    left = _side(rng, district, -1, track)
    return Street(district, bend, left, _side(rng, district, 1, False), crossing)


def _side(rng: np.random.Generator, district: str, sign: int, track: bool) -> Side:
    habits = DISTRICTS[district]
    least, most = habits.lanes
    lanes = int(rng.integers(least, most + 1)) if sign < 0 else int(rng.random() < 0.3 and most > 1)
    widths = [("road", (0.5 + lanes) * LANE + rng.uniform(0, 0.5))]
    if track or (sign < 0 and rng.random() < habits.track):
        widths.append(("rail track", 3.4))
    if rng.random() < habits.parking:
        widths.append(("parking" if rng.random() < 0.3 else "kerbside", 2.2))
    widths.append(("sidewalk", rng.uniform(*habits.sidewalk)))
    if rng.random() < habits.verge:
        widths.append(("terrain", rng.uniform(1.2, 6.0)))
    yard = str(rng.choice(["terrain", "ground", "sidewalk", "parking"], p=[0.5, 0.25, 0.15, 0.1]))
    return Side(sign, _strips([*widths, (f"yard {yard}", 60.0)]))


def _strips(widths: list[tuple[str, float]]) -> tuple[Strip, ...]:
    edges = np.cumsum([0.0, *(width for _, width in widths)])
    return tuple(Strip(kind, float(edges[i]), float(edges[i + 1])) for i, (kind, _) in enumerate(widths))
