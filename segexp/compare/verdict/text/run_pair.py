"""Two runs, or two evaluations of one run, side by side, for a terminal."""

from collections.abc import Sequence
from pathlib import Path

from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.format import score, score_name, signed
from segexp.compare.verdict.run_pair import RunPair, ScorePair, SettingDifference
from segexp.compare.verdict.text.console import Section, name_column, number_column, plain_table

NUM_IMAGES = 10
ONE_SEED_EACH = (
    "The interval does not cover the seed: two runs with the same settings and different seeds differ, too. "
    "Compare several seeds with runs=."
)
ONE_RUN = (
    "Both are evaluations of one trained run: the interval covers other images, but not other trainings. "
    "Compare several seeds with runs= and split=."
)


def pair_sections(pair: RunPair) -> list[Section]:
    """The paths, the settings and facts that differ, the scores, and the images that gained and lost most."""
    gained = [image for image in pair.images if image.difference > 0][:NUM_IMAGES]
    lost = [image for image in pair.images[::-1] if image.difference < 0][:NUM_IMAGES]
    evaluation = _setting_table("Evaluation settings that differ", pair.evaluation)
    of_training = [
        _setting_table("Settings that differ", pair.settings),
        _setting_table("Environment that differs", pair.environment),
    ]
    return [
        f"a  {_path(pair, pair.a)}\nb  {_path(pair, pair.b)}",
        *([evaluation] if pair.is_one_run else of_training),
        _score_table(score_title(pair), pair.scores),
        pair_sentences(pair),
        _score_table("Images that gain most (mIoU)", gained),
        _score_table("Images that lose most (mIoU)", lost),
    ]


def pair_sentences(pair: RunPair) -> list[str]:
    """Say what the difference between two single runs tells, and what it does not."""
    difference, images = pair.difference, pair.difference.num_images
    up, down = (sum(sign * image.difference > 0 for image in pair.images) for sign in (1, -1))
    return [
        f"{score_name(pair.score)} of b minus a: {signed(difference.value)}, 95 % interval over {images} images "
        f"{signed(difference.low)} .. {signed(difference.high)}. The mIoU rises on {up} images and falls on {down}.",
        ONE_RUN if pair.is_one_run else ONE_SEED_EACH,
    ]


def score_title(pair: RunPair) -> str:
    """`Scores on val`, or the names of both evaluations."""
    a, b = (run.counts_path.parent.name for run in (pair.a, pair.b))
    return f"Scores on {a}" if a == b else f"Scores of a ({a}) and b ({b})"


def _path(pair: RunPair, run: Run) -> Path:
    return run.counts_path.parent if pair.is_one_run else run.path


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
    for each in scores:
        table.add_row(each.name, score(each.a), score(each.b), signed(each.difference))
    return table
