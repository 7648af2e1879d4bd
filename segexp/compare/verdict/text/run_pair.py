"""Two runs side by side, for a terminal."""

from collections.abc import Sequence

from segexp.compare.verdict.format import score_name
from segexp.compare.verdict.run_pair import RunPair, ScorePair, SettingDifference
from segexp.compare.verdict.text.console import Section, name_column, number, number_column, plain_table

NUM_IMAGES = 10


def pair_sections(pair: RunPair) -> list[Section]:
    """The paths, the settings and facts that differ, the scores, and the images that gained and lost most."""
    gained = [image for image in pair.images if image.difference > 0][:NUM_IMAGES]
    lost = [image for image in pair.images[::-1] if image.difference < 0][:NUM_IMAGES]
    return [
        f"a  {pair.a.path}\nb  {pair.b.path}",
        _setting_table("Settings that differ", pair.settings),
        _setting_table("Environment that differs", pair.environment),
        _score_table(f"Scores on {pair.split}", pair.scores),
        pair_sentences(pair),
        _score_table("Images that gain most (mIoU)", gained),
        _score_table("Images that lose most (mIoU)", lost),
    ]


def pair_sentences(pair: RunPair) -> list[str]:
    """Say what the difference between two single runs tells, and what it does not."""
    difference, images = pair.difference, pair.difference.num_images
    up, down = (sum(sign * image.difference > 0 for image in pair.images) for sign in (1, -1))
    return [
        f"{score_name(pair.score)} of b less that of a: {difference.value:+.4f}, 95 % interval over {images} images "
        f"{difference.low:+.4f} .. {difference.high:+.4f}. In mIoU {up} images gain, {down} lose.",
        "Two single runs say nothing across seeds: the same settings with another seed differ too, "
        "and the interval does not know by how much. Compare several seeds by runs=.",
    ]


def _setting_table(title: str, differences: Sequence[SettingDifference]) -> Section:
    if not differences:
        return f"{title}: none"
    table = plain_table(title)
    for heading in ("", "a", "b"):
        name_column(table, heading)
    for difference in differences:
        table.add_row(*difference)
    return table


def _score_table(title: str, scores: Sequence[ScorePair]) -> Section:
    if not scores:
        return f"{title}: none"
    table = plain_table(title)
    name_column(table, "")
    for heading in ("a", "b", "b - a"):
        number_column(table, heading)
    for score in scores:
        table.add_row(score.name, number(score.a, ".4f"), number(score.b, ".4f"), number(score.difference, "+.4f"))
    return table
