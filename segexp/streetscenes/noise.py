"""Smooth random fields: the grain of asphalt, leaves and clouds."""

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.floating]


def fractal(rng: np.random.Generator, height: int, width: int, cell: float, octaves: int = 4) -> Field:
    """Random field [height, width] with mean 0 and deviation near 1.

    cell: size in pixels of its largest features; every further octave is half as large and 0.6 times as strong.
    """
    total = np.zeros((height, width), dtype=np.float32)
    for octave in range(octaves):
        size = max(1.0, cell / 2**octave)
        shape = int(np.ceil(height / size)) + 1, int(np.ceil(width / size)) + 1
        grid = rng.standard_normal(shape, dtype=np.float32)
        total += 0.6**octave * cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    return total / np.float32(0.8)
