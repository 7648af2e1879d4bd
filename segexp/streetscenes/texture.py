"""Textures in perspective: fronts, leaves and fences laid on flat quads."""

import cv2
import numpy as np
from cv2.typing import MatLike

from segexp.streetscenes.camera import NEAR, Camera, Points
from segexp.streetscenes.light import Color, Light
from segexp.streetscenes.painter import Painter, Texture, fixed

Region = tuple[int, int, int, int]


def lay_texture(
    painter: Painter,
    quad: Points,
    texture: Texture,
    identity: int,
    mask: Texture | None = None,
    outline: Texture | None = None,
) -> None:
    """Lay a texture [h, w, 3] on a flat quad: bottom left, bottom right, top right, top left.

    mask: uint8 [h, w], where it covers the picture, None for everywhere.
    outline: uint8 [h, w], where it covers the labels, None for the same as the mask.
    A quad that reaches behind the camera is left out.
    """
    camera = painter.camera
    local = camera.to_axes(quad)
    region = _region(camera, camera.to_pixels(local)) if local[:, 2].min() > NEAR / 2 else None
    if region is None:
        return
    left, top, right, bottom = region
    pixels, size = camera.to_pixels(local) - (left, top), (right - left, bottom - top)
    matrix = _homography(texture.shape[:2], pixels)
    faded = _fade(painter.light, texture, local[0, 2], local[1, 2])
    picture = cv2.warpPerspective(faded, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    coverage = _coverage(pixels, size, mask, matrix)
    cv2.copyTo(picture, coverage, painter.image[top:bottom, left:right])
    label_coverage = coverage if outline is None else _coverage(pixels, size, outline, matrix)
    painter.ids[top:bottom, left:right][label_coverage > 0] = identity


def texels(camera: Camera, quad: Points, limit: int) -> tuple[int, int]:
    """Rows and columns a texture for this quad needs to look sharp, at most limit each."""
    local = camera.to_camera(quad)
    if len(local) < 3:
        return 8, 8
    pixels = np.clip(camera.to_pixels(local), -camera.width, 2 * camera.width)
    columns, rows = np.ptp(pixels, axis=0)
    return int(np.clip(rows, 8, limit)), int(np.clip(columns * 1.3, 8, limit))


def dye(texture: Texture, factor: Color) -> Texture:
    """Multiply every channel of a texture [h, w, 3] by its factor; values end at 255."""
    return _map(texture, np.minimum(np.arange(256)[:, None] * factor, 255))


def _map(texture: Texture, table: Points) -> Texture:
    """Replace each value v of channel c by table[v, c]."""
    return cv2.LUT(texture, table.astype(np.uint8)[:, None, :])


def _region(camera: Camera, pixels: Points) -> Region | None:
    """Left, top, right, bottom of the part of the canvas that holds these pixels."""
    left, top = np.floor(pixels.min(axis=0)).clip(0).astype(int)
    right, bottom = np.ceil(pixels.max(axis=0)).clip(0).astype(int) + 1
    right, bottom = min(right, camera.width), min(bottom, camera.height)
    return (int(left), int(top), int(right), int(bottom)) if right > left and bottom > top else None


def _homography(shape: tuple[int, ...], pixels: Points) -> MatLike:
    height, width = shape
    source = np.array([[0, height], [width, height], [width, 0], [0, 0]], dtype=np.float32)
    return cv2.getPerspectiveTransform(source, pixels.astype(np.float32))


def _fade(light: Light, texture: Texture, start: float, end: float) -> Texture:
    """Lay haze over a texture whose left and right edges are start and end metres away."""
    if abs(start - end) < 0.08 * light.visibility:  # even haze is close enough, and faster
        return _map(texture, light.fade(np.arange(256.0)[:, None], (start + end) / 2))
    own_share = np.exp(-np.linspace(start, end, texture.shape[1], dtype=np.float32) / light.visibility)
    veil = light.haze.astype(np.float32) * (1 - own_share[:, None])
    return cv2.convertScaleAbs(texture * own_share[None, :, None] + veil[None])


def _coverage(pixels: Points, size: tuple[int, int], mask: Texture | None, matrix: MatLike) -> Texture:
    """Mask uint8 of the region: 255 where the quad, or the mask on it, covers it."""
    if mask is not None:
        return cv2.threshold(cv2.warpPerspective(mask, matrix, size), 127, 255, cv2.THRESH_BINARY)[1]
    coverage = np.zeros((size[1], size[0]), dtype=np.uint8)
    return cv2.fillConvexPoly(coverage, *fixed(pixels, 255))
