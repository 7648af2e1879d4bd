"""python -m segexp.check: list every problem with the files of a data set, and count the pixels of its classes."""

import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from segexp.check.settings import CheckSettings
from segexp.config.command_line import entry_point
from segexp.types import Values

if TYPE_CHECKING:
    from rich.table import Table

    from segexp.check.scan import Scan
    from segexp.data.counts import ClassCounts

LISTED = "segexp.check: the data set has problems, which are listed above; repair or remove these files"


@entry_point("check")
def main(values: Values) -> None:
    settings = CheckSettings.of(values)
    from rich.console import Console

    from segexp import build
    from segexp.check.scan import scan
    from segexp.data.counts import sum_counts
    from segexp.display.class_shares import class_shares
    from segexp.display.pictures import save

    source, grouping = build.source_from(settings.data.source), build.part(settings.classes)
    facts = (settings.data.image_size, settings.data.bit_depth)
    scans = [scan(source, grouping, split, *facts) for split in settings.splits]
    shared = [] if settings.data.splits_may_overlap else overlaps(settings.splits, scans)
    console = Console()
    for split, result in zip(settings.splits, scans, strict=True):
        console.print(f"{split}: {len(result.pairs)} scenes, {len(result.problems)} problems")
        for problem in result.problems:
            console.print(f"  {problem}", style="red", soft_wrap=True, markup=False)
        for note in result.notes:
            console.print(f"  {note}", style="yellow", soft_wrap=True, markup=False)
    for problem in shared:
        console.print(problem, style="red", soft_wrap=True, markup=False)
    counts = sum_counts((counts for result in scans for counts in result.counts), grouping.num_classes)
    has_problems = shared or any(result.problems for result in scans)
    if not any(counts.pixels):
        nothing = f"segexp.check: no pixel of {', '.join(settings.splits)} belongs to a class of {grouping.name}; "
        sys.exit(LISTED if has_problems else f"{nothing}choose other splits, or another option of classes=")
    console.print(_weight_table(counts, grouping.names))
    shares = [pixels / sum(counts.pixels) for pixels in counts.pixels]
    title = f"{grouping.name}, {' + '.join(settings.splits)}"
    print(save(class_shares(shares, grouping.names, grouping.colors, title), Path(settings.picture)))
    if has_problems:
        sys.exit(LISTED)


def overlaps(splits: Sequence[str], scans: "Sequence[Scan]") -> list[str]:
    """A problem for every two splits that share images."""
    from segexp.data.overlap import refuse_shared_images

    problems = []
    for (first, scan_of_first), (second, scan_of_second) in combinations(zip(splits, scans, strict=True), 2):
        try:
            refuse_shared_images((first, second), scan_of_first.pairs, scan_of_second.pairs)
        except ValueError as error:
            problems.append(str(error))
    return problems


def _weight_table(counts: "ClassCounts", class_names: Sequence[str]) -> "Table":
    """Tabulate the share of each class and the weights, of mean 1, that `loss=weighted_cross_entropy` would give it."""
    from rich.table import Table

    from segexp.loss.weighted_cross_entropy import class_weights

    weightings = ("inverse_frequency", "median_frequency", "effective_number")
    table = Table("class", title="classes and suggested weights")
    for heading in ("share of pixels", *(weighting.replace("_", "\n") for weighting in weightings)):
        table.add_column(heading, justify="right")
    weights = [class_weights(*counts, weighting, beta=1 - 1e-7) for weighting in weightings]
    for name, count, *row in zip(class_names, counts.pixels, *weights, strict=True):
        table.add_row(name, f"{count / max(1, sum(counts.pixels)):.5f}", *(f"{weight:.3f}" for weight in row))
    return table


if __name__ == "__main__":
    main()
