"""The pinhole camera: world points to pixels, and pixels back to the ground."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.floating]
NEAR = 0.6
"""Distance in metres; nothing nearer is drawn."""
FARTHEST = 400.0
"""Distance in metres; ground farther away is not distinguished."""


@dataclass(frozen=True)
class Camera:
    """World axes: x right, y up, z forward, in metres; the lens is at [0, eye, 0].

    height, width: of the canvas in pixels.
    focal: focal length in pixels.
    horizon: row of the horizon at the image centre, in pixels.
    rotation: [3, 3], world directions to camera axes (x right, y down, z forward).
    """

    height: int
    width: int
    focal: float
    horizon: float
    eye: float
    rotation: Points

    def to_axes(self, points: Points) -> Points:
        """Convert world points [N, 3] to camera axes."""
        return (points - (0.0, self.eye, 0.0)) @ self.rotation.T

    def to_camera(self, points: Points) -> Points:
        """Convert a polygon [N, 3] to camera axes and cut it to the part before the lens [M, 3], with M from 0."""
        local = self.to_axes(points)
        return local if local[:, 2].min() > NEAR else _cut_behind(local)

    def to_pixels(self, local: Points) -> Points:
        """Convert points [N, 3] in camera axes to (column, row) [N, 2]."""
        return local[:, :2] * (self.focal / local[:, 2:]) + (self.width / 2, self.horizon)

    def ground(self) -> tuple[int, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """First row that may see the ground, then world x and z [rows, width] of each pixel from there down.

        Pixels above the horizon get FARTHEST as z.
        """
        slack = abs(self.rotation[0, 1]) * self.width / 2
        first = int(np.clip(self.horizon - slack, 0, self.height - 1))
        right = (np.arange(self.width, dtype=np.float32)[None, :] + 0.5 - self.width / 2) / self.focal
        down = (np.arange(first, self.height, dtype=np.float32)[:, None] + 0.5 - self.horizon) / self.focal
        axes = self.rotation.astype(np.float32)
        world = [axes[0, axis] * right + axes[1, axis] * down + axes[2, axis] for axis in range(3)]
        distance = np.float32(self.eye) / np.maximum(-world[1], np.float32(1e-3))
        return first, distance * world[0], np.minimum(distance * world[2], np.float32(FARTHEST))


def sample_camera(rng: np.random.Generator, height: int, width: int) -> Camera:
    """Sample a camera behind a windscreen: about 50 degrees wide, slightly turned and tilted."""
    yaw, roll = rng.normal(0, 0.035), rng.normal(0, 0.006)
    turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    tilt = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return Camera(
        height=height,
        width=width,
        focal=width * rng.uniform(0.9, 1.1),
        horizon=height * rng.uniform(0.37, 0.455),
        eye=rng.uniform(1.2, 1.6),
        rotation=tilt @ np.diag([1.0, -1.0, 1.0]) @ turn,
    )


def _cut_behind(local: Points) -> Points:
    corners = []
    for start, end in zip(local, np.roll(local, -1, axis=0), strict=True):
        if start[2] >= NEAR:
            corners.append(start)
        if (start[2] >= NEAR) != (end[2] >= NEAR):
            corners.append(start + (end - start) * ((NEAR - start[2]) / (end[2] - start[2])))
    return np.array(corners).reshape(-1, 3)
