"""The version of the rendered pictures, in a file that loads nothing of what renders them."""

VERSION = 3
"""Raise it whenever pixels change: sets of different versions lie in different folders."""
