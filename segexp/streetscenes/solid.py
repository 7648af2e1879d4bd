"""Blocks with panels, which vehicles, bins and lamps are made of."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from segexp.streetscenes.camera import Camera, Points
from segexp.streetscenes.light import Color
from segexp.streetscenes.painter import Painter, normal
from segexp.streetscenes.thing import Pose

FACES = {"top": (4, 5, 6, 7), "back": (0, 1, 5, 4), "front": (2, 3, 7, 6), "left": (3, 0, 4, 7), "right": (1, 2, 6, 5)}


class Block(NamedTuple):
    """A box whose top may be smaller than its bottom; local metres: forward, right, up.

    inset_back, inset_front, inset_side: how far the top stands back from the bottom.
    """

    back: float
    front: float
    half_width: float
    low: float
    high: float
    inset_back: float = 0.0
    inset_front: float = 0.0
    inset_side: float = 0.0

    def corners(self) -> Points:
        """Bottom then top, each back left, back right, front right, front left: [8, 3]."""
        wide, narrow = self.half_width, self.half_width - self.inset_side
        back, front = self.back + self.inset_back, self.front - self.inset_front
        bottom = [(self.back, -wide), (self.back, wide), (self.front, wide), (self.front, -wide)]
        top = [(back, -narrow), (back, narrow), (front, narrow), (front, -narrow)]
        return np.array([(*corner, self.low) for corner in bottom] + [(*corner, self.high) for corner in top])


class Panel(NamedTuple):
    """A patch of a face, in shares of its width (from the left) and height (from below).

    glow: 0 for paint that needs light, 1 for a lamp.
    """

    face: str
    left: float
    right: float
    low: float
    high: float
    color: Color
    glow: float = 0.0


def draw_block(
    painter: Painter, pose: Pose, block: Block, color: Color, identity: int, panels: Sequence[Panel] = ()
) -> None:
    """Draw the faces that look towards the camera, each with its panels."""
    corners = pose.to_world(block.corners())
    for name, order in FACES.items():
        quad = corners[list(order)]
        if not faces_camera(painter.camera, quad):
            continue
        painter.face(quad, color, identity)
        for panel in panels:
            if panel.face == name:
                _draw_panel(painter, quad, panel)


def faces_camera(camera: Camera, quad: Points) -> bool:
    return float(normal(quad) @ (quad[0] - (0.0, camera.eye, 0.0))) < 0


def _draw_panel(painter: Painter, quad: Points, panel: Panel) -> None:
    bottom_left, bottom_right, top_right, top_left = quad
    shares = np.array(
        [(panel.left, panel.low), (panel.right, panel.low), (panel.right, panel.high), (panel.left, panel.high)]
    )
    across, up = shares[:, :1], shares[:, 1:]
    patch = (1 - up) * ((1 - across) * bottom_left + across * bottom_right) + up * (
        (1 - across) * top_left + across * top_right
    )
    lit = painter.light.shade(panel.color, normal(quad))
    painter.polygon(patch, (1 - panel.glow) * lit + panel.glow * panel.color)
