"""A stretch along the street that something stands on: the front of a house, a wall, a fence."""

from typing import NamedTuple

import numpy as np

from segexp.streetscenes.camera import Points
from segexp.streetscenes.street import Street
from segexp.streetscenes.thing import Pose, up


class Front(NamedTuple):
    """A stretch of one side.  near, far: its ends on the ground, world points [3].  sign: -1 left, 1 right."""

    near: Points
    far: Points
    sign: int

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.far - self.near))

    def quad(self, height: float, above: float = 0.0) -> Points:
        """An upright face on it, as seen from the street: bottom left, bottom right, top right, top left."""
        left, right = (self.near, self.far) if self.sign < 0 else (self.far, self.near)
        return _upright(left, right, height, above)

    def side(self, depth: float, height: float) -> Points:
        """The side wall at its near end, as seen from the camera."""
        back = self.near + (self.sign * depth, 0.0, 0.0)
        left, right = (back, self.near) if self.sign < 0 else (self.near, back)
        return _upright(left, right, height, 0.0)

    def pose(self, depth: float) -> Pose:
        """The pose of the middle of a thing of this depth that stands on it."""
        x, _, z = (self.near + self.far) / 2 + (self.sign * depth / 2, 0.0, 0.0)
        heading = np.arctan2(self.far[0] - self.near[0], self.far[2] - self.near[2])
        return Pose(float(x), float(z), float(heading))


def front(street: Street, sign: int, offset: float, start: float, end: float) -> Front:
    """The front this far beside the camera's lane, from start to end along the street, in metres."""
    near, far = (np.array([street.pose(sign * offset, along).x, 0.0, along]) for along in (start, end))
    return Front(near, far, sign)


def _upright(left: Points, right: Points, height: float, above: float) -> Points:
    low, high = up(above), up(above + height)
    return np.array([left + low, right + low, right + high, left + high])
