"""python -m segexp.check: every broken, missing, mismatched file and unknown label of a data set; class shares."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from omegaconf import DictConfig

from segexp.entry import entry

if TYPE_CHECKING:
    from rich.table import Table

    from segexp.data.counts import ClassCounts


@entry("check")
def main(config: DictConfig) -> None:
    from pathlib import Path

    from rich.console import Console

    from segexp import build, pictures
    from segexp.data.counts import total
    from segexp.data.scan import scan

    if isinstance(config.splits, str) or not config.splits:
        raise ValueError(f"splits is {config.splits!r}; needed is a list: splits=[train,val]")
    source, grouping = build.source(config), build.grouping(config)
    found = [scan(source, grouping, split) for split in config.splits]
    console = Console()
    for split, result in zip(config.splits, found, strict=True):
        console.print(f"{split}: {result.num_pairs} scenes, {len(result.problems)} problems")
        for problem in result.problems:
            console.print(f"  {problem}", style="red", soft_wrap=True)
    counts = total((of_image for result in found for of_image in result.counts), grouping.num_classes)
    if not any(counts.pixels):
        sys.exit(f"segexp.check: no pixel of {grouping.name} in {', '.join(config.splits)}")
    console.print(_weight_table(counts, grouping.names))
    shares = dict(zip(grouping.names, (pixels / max(1, sum(counts.pixels)) for pixels in counts.pixels), strict=True))
    title = f"{grouping.name}, {' + '.join(config.splits)}"
    print(pictures.save(pictures.class_bars(shares, grouping.colors, title), Path(config.picture)))
    if any(result.problems for result in found):
        sys.exit("segexp.check: the data set has problems, named above")


def _weight_table(counts: "ClassCounts", class_names: Sequence[str]) -> "Table":
    """Share of each class and the weights that `loss=weighted_cross_entropy` would give it, mean 1."""
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
