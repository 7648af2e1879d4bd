"""What stands in a street: where it is, how large, and how it is drawn."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from segexp.streetscenes.camera import Points
from segexp.streetscenes.painter import Painter


class Pose(NamedTuple):
    """A place on the ground in metres and a heading in radians, 0 along the world's z axis."""

    x: float
    z: float
    heading: float = 0.0

    def to_world(self, local: Points) -> Points:
        """Points [N, 3] given as (forward, right, up) in world axes."""
        sine, cosine = math.sin(self.heading), math.cos(self.heading)
        return local @ np.array([[sine, 0, cosine], [cosine, 0, -sine], [0, 1, 0]]) + (self.x, 0.0, self.z)

    def rightward(self, x: float, z: float) -> float:
        """How far to its right a world place lies, in metres."""
        return (x - self.x) * math.cos(self.heading) - (z - self.z) * math.sin(self.heading)

    def point(self, forward: float, right: float, up: float) -> Points:
        """One such point [3]."""
        sine, cosine = math.sin(self.heading), math.cos(self.heading)
        return np.array([self.x + forward * sine + right * cosine, up, self.z + forward * cosine - right * sine])


class Thing(NamedTuple):
    """draw: paints it at its pose.  size: length, width, height in metres, centred on the pose."""

    pose: Pose
    size: tuple[float, float, float]
    draw: Callable[[Painter, Pose], None]

    def footprint(self) -> Points:
        """Corners on the ground, world points [4, 3]."""
        length, width, _ = self.size
        return self.pose.to_world(np.array([[f * length / 2, r * width / 2, 0.0] for f, r in SQUARE]))

    def overlaps(self, other: "Thing") -> bool:
        """Whether the upright boxes around their footprints share ground."""
        mine, others = self.footprint(), other.footprint()
        apart = (mine.max(axis=0) <= others.min(axis=0)) | (others.max(axis=0) <= mine.min(axis=0))
        return not bool(apart[[0, 2]].any())

    def depth(self) -> float:
        """What sorts things from far to near: its farthest corner, and how far it stands from the camera's lane.

        Beside the street the outer of two things is the hidden one even where the inner reaches farther ahead.
        """
        corners = self.footprint()
        return float(corners[:, 2].max() + 1.5 * np.abs(corners[:, 0]).min())


Maker = Callable[[Pose, np.random.Generator], Thing]
"""Puts a thing at a place."""
SQUARE = ((-1, -1), (-1, 1), (1, 1), (1, -1))


def up(metres: float) -> Points:
    """A step straight up, [3]."""
    return np.array([0.0, metres, 0.0])
