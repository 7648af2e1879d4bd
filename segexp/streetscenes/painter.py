"""The canvas: fills world polygons, lines and textures into a picture and its labels at once."""

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import MatLike

from segexp.streetscenes.camera import Camera, Points
from segexp.streetscenes.labels import IDS, LABELS
from segexp.streetscenes.light import Color, Light

FRACTION_BITS = 3
FARTHEST_PIXEL = 100_000
Value = int | tuple[float, float, float]
Texture = MatLike


class Painter:
    """Later strokes cover earlier ones, so things are drawn from far to near.

    image: uint8 [H, W, 3], red-green-blue.  ids: uint16 [H, W], instance ids as Cityscapes counts them.
    A stroke without colour changes only the labels, a stroke without identity only the picture.
    """

    def __init__(self, camera: Camera, light: Light) -> None:
        self.camera = camera
        self.light = light
        self.image = np.zeros((camera.height, camera.width, 3), dtype=np.uint8)
        self.ids = np.zeros((camera.height, camera.width), dtype=np.uint16)
        self._num_instances: dict[str, int] = {}

    def identity(self, label: str, group: bool = False) -> int:
        """A new instance id; the plain label id for groups and for labels without instances."""
        if group or not LABELS[label].has_instances:
            return IDS[label]
        count = self._num_instances.get(label, 0)
        self._num_instances[label] = count + 1
        return IDS[label] * 1000 + count

    def polygon(self, points: Points, color: Color | None, identity: int | None = None) -> None:
        """Fill a convex polygon [N, 3]; the colour is lit already, haze is added here."""
        local = self.camera.to_camera(points)
        if len(local) < 3:
            return
        pixels = self.camera.to_pixels(local)
        if color is not None:
            color = self.light.fade(color, float(local[0, 2]))
        self._fill(pixels, color, identity)

    def hull(self, points: Points, color: Color | None, identity: int | None = None) -> None:
        """Fill the outline of a convex body given by any points of its surface [N, 3]."""
        local = self.camera.to_camera(points)
        if len(local) < 3:
            return
        pixels = np.asarray(cv2.convexHull(self.camera.to_pixels(local).astype(np.float32))[:, 0], dtype=np.float32)
        self._fill(pixels, None if color is None else self.light.fade(color, float(local[0, 2])), identity)

    def face(self, quad: Points, color: Color, identity: int | None = None) -> None:
        """Fill a flat quad as it looks under the light of the scene."""
        self.polygon(quad, self.light.shade(color, normal(quad)), identity)

    def limb(self, start: Points, end: Points, radius: float, color: Color | None, identity: int | None) -> None:
        """Draw a round bar between two points [3]; radius in metres."""
        local = self.camera.to_camera(np.array([start, end]))
        if len(local) < 2:
            return
        (x0, y0), (x1, y1) = _bounded(self.camera.to_pixels(local)).round().astype(int)
        depth = float(local[0, 2])
        thickness = max(1, round(2 * radius * self.camera.focal / depth))
        ends = (int(x0), int(y0)), (int(x1), int(y1))
        if color is not None:
            cv2.line(self.image, *ends, scalar(self.light.fade(color, depth)), thickness)
        if identity is not None:
            cv2.line(self.ids, *ends, identity, thickness)

    def loop(self, points: Points, radius: float, color: Color, identity: int) -> None:
        """Draw a closed round bar through points [N, 3], its inside filled in the labels only."""
        local = self.camera.to_camera(points)
        if len(local) < 3:
            return
        pixels, depth = self.camera.to_pixels(local), float(local[0, 2])
        self._fill(pixels, None, identity)
        thickness = max(1, round(2 * radius * self.camera.focal / depth))
        for canvas, value in ((self.image, scalar(self.light.fade(color, depth))), (self.ids, identity)):
            corners, color_or_id, line, bits = fixed(pixels, value)
            cv2.polylines(canvas, [corners], True, color_or_id, thickness, line, bits)

    def stamp(self, canvas: Texture, points: Points, value: int) -> None:
        """Fill a convex polygon [N, 3] of a single-channel canvas [H, W] other than the picture's."""
        local = self.camera.to_camera(points)
        if len(local) >= 3:
            cv2.fillConvexPoly(canvas, *fixed(self.camera.to_pixels(local), value))

    def _fill(self, pixels: Points, color: Color | None, identity: int | None) -> None:
        if color is not None:
            cv2.fillConvexPoly(self.image, *fixed(pixels, scalar(color)))
        if identity is not None:
            cv2.fillConvexPoly(self.ids, *fixed(pixels, identity))


def normal(quad: Points) -> Points:
    """Outward normal of a quad whose corners run bottom left, bottom right, top right, top left."""
    (ax, ay, az), (bx, by, bz) = quad[3] - quad[0], quad[1] - quad[0]
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def fixed(pixels: Points, value: Value) -> tuple[npt.NDArray[np.int32], Value, int, int]:
    """Arguments for OpenCV's polygons: corners in fixed point, value, line type and number of fraction bits."""
    return (_bounded(pixels) * 2**FRACTION_BITS).round().astype(np.int32), value, cv2.LINE_8, FRACTION_BITS


def scalar(color: Color) -> tuple[float, float, float]:
    return float(color[0]), float(color[1]), float(color[2])


def _bounded(pixels: Points) -> Points:
    return np.minimum(np.maximum(pixels, -FARTHEST_PIXEL), FARTHEST_PIXEL)
