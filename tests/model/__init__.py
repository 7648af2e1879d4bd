"""Imports segexp before any test of this folder imports torchvision, which needs it where the two builds differ."""

import segexp  # noqa: F401
