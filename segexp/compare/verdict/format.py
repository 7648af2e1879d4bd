"""Figures as text, in every table of a comparison alike."""

import numpy as np

NO_VALUE = "–"
"""Not a hyphen, which would pass for a minus in a column of signed figures."""


def score(value: float) -> str:
    return NO_VALUE if np.isnan(value) else f"{value:.4f}"


def signed(value: float) -> str:
    return NO_VALUE if np.isnan(value) else f"{value:+.4f}"


def p_value(value: float) -> str:
    if np.isnan(value):
        return NO_VALUE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
