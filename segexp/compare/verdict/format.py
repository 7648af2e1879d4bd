"""Figures as text, in every table of a comparison alike."""

import numpy as np

NO_VALUE = "–"
"""Not a hyphen, which would pass for a minus in a column of signed figures."""


WORDS = {"miou": "mIoU", "iou": "IoU", "iiou": "iIoU", "ece": "ECE"}
"""Abbreviations as the field writes them."""


def score_name(score: str) -> str:
    """How a score is written in headings: mIoU, boundary mIoU, iIoU, IoU of person."""
    kind, _, of_class = score.partition("/")
    words = " ".join(WORDS.get(word, word) for word in kind.split("_"))
    return f"{words} of {of_class}" if of_class else words


def score(value: float) -> str:
    return NO_VALUE if np.isnan(value) else f"{value:.4f}"


def signed(value: float, digits: int = 4) -> str:
    """With its sign, and without one what is rounded to zero. digits: after the point."""
    if np.isnan(value):
        return NO_VALUE
    text = f"{value:+.{digits}f}"
    return text if float(text) else text[1:]


def p_value(value: float) -> str:
    if np.isnan(value):
        return NO_VALUE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
