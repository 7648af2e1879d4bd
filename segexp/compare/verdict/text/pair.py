"""Two runs side by side, for a terminal."""

from collections.abc import Sequence

import numpy as np

from segexp.compare.verdict.pair import Change, Pair, Score
from segexp.compare.verdict.text.console import Part, name_column, number_column, table

NUM_IMAGES = 10


def pair_parts(found: Pair) -> list[Part]:
    """Which runs, what differs between them, their scores, and the images that gained and lost most."""
    gained = [image for image in found.images if image.difference > 0][:NUM_IMAGES]
    lost = [image for image in found.images[::-1] if image.difference < 0][:NUM_IMAGES]
    return [
        f"a  {found.a.path}\nb  {found.b.path}",
        _changes("Settings that differ", found.settings),
        _changes("Environment that differs", found.environment),
        _scores(f"Scores on {found.split}", found.scores),
        pair_sentences(found),
        _scores("Images that gain most (mIoU)", gained),
        _scores("Images that lose most (mIoU)", lost),
    ]


def pair_sentences(found: Pair) -> list[str]:
    """What the difference says, and what it does not."""
    miou, images = found.difference, found.difference.num_images
    up, down = (sum(sign * image.difference > 0 for image in found.images) for sign in (1, -1))
    return [
        f"mIoU of b less that of a: {miou.value:+.4f}, 95 % interval over {images} images "
        f"{miou.low:+.4f} .. {miou.high:+.4f}. {up} images gain, {down} lose.",
        "Two single runs say nothing across seeds: the same settings with another seed differ too, "
        "and the interval does not know by how much. Compare several seeds by runs=.",
    ]


def _changes(title: str, changes: Sequence[Change]) -> Part:
    if not changes:
        return f"{title}: none"
    built = table(title)
    for heading in ("", "a", "b"):
        name_column(built, heading)
    for change in changes:
        built.add_row(*change)
    return built


def _scores(title: str, scores: Sequence[Score]) -> Part:
    if not scores:
        return f"{title}: none"
    built = table(title)
    name_column(built, "")
    for heading in ("a", "b", "b - a"):
        number_column(built, heading)
    for score in scores:
        built.add_row(score.name, _figure(score.a, ".4f"), _figure(score.b, ".4f"), _figure(score.difference, "+.4f"))
    return built


def _figure(value: float, form: str) -> str:
    return "-" if np.isnan(value) else format(value, form)
