"""Things in a street: where they are, how large, and how they are drawn."""

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
        """Convert points [N, 3] given as (forward, right, up) of this pose to world axes."""
        sine, cosine = math.sin(self.heading), math.cos(self.heading)
        return local @ np.array([[sine, 0, cosine], [cosine, 0, -sine], [0, 1, 0]]) + (self.x, 0.0, self.z)

    def rightward(self, x: float, z: float) -> float:
        """How far to its right a world place lies, in metres."""
        return (x - self.x) * math.cos(self.heading) - (z - self.z) * math.sin(self.heading)

    def point(self, forward: float, right: float, up: float) -> Points:
        """Convert one point, given as forward, right and up of this pose, to world axes [3]."""
        sine, cosine = math.sin(self.heading), math.cos(self.heading)
        return np.array([self.x + forward * sine + right * cosine, up, self.z + forward * cosine - right * sine])


class Thing(NamedTuple):
    """One thing in a street.  draw: paints it at a pose.  size: length, width, height in metres, around the pose."""

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
        """Key that sorts things from far to near: the farthest corner, plus the distance from the camera's lane.

        Beside the street, the inner of two things hides the outer one even if the inner one reaches farther ahead.
        """
        corners = self.footprint()
        return float(corners[:, 2].max() + 1.5 * np.abs(corners[:, 0]).min())


Maker = Callable[[Pose, np.random.Generator], Thing]
"""A function that makes a thing at a pose."""
SQUARE = ((-1, -1), (-1, 1), (1, 1), (1, -1))


def up(metres: float) -> Points:
    """A step straight up, [3]."""
    return np.array([0.0, metres, 0.0])
