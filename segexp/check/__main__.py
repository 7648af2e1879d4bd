"""python -m segexp.check: every broken, missing, mismatched file and unknown label of a data set; class shares."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segexp.config.command_line import entry
from segexp.types import Values

if TYPE_CHECKING:
    from rich.table import Table

    from segexp.data.counts import ClassCounts


@entry("check")
def main(values: Values) -> None:
    from rich.console import Console

    from segexp import build
    from segexp.check.scan import scan
    from segexp.data.counts import total
    from segexp.display import pictures

    splits, picture = asked(values)
    source, grouping = build.source(values), build.grouping(values)
    found = [scan(source, grouping, split) for split in splits]
    console = Console()
    for split, result in zip(splits, found, strict=True):
        console.print(f"{split}: {result.num_pairs} scenes, {len(result.problems)} problems")
        for problem in result.problems:
            console.print(f"  {problem}", style="red", soft_wrap=True)
    counts = total((of_image for result in found for of_image in result.counts), grouping.num_classes)
    if not any(counts.pixels):
        sys.exit(f"segexp.check: no pixel of {grouping.name} in {', '.join(splits)}")
    console.print(_weight_table(counts, grouping.names))
    shares = dict(zip(grouping.names, (pixels / max(1, sum(counts.pixels)) for pixels in counts.pixels), strict=True))
    title = f"{grouping.name}, {' + '.join(splits)}"
    print(pictures.save(pictures.class_bars(shares, grouping.colors, title), picture))
    if any(result.problems for result in found):
        sys.exit("segexp.check: the data set has problems, named above")


def asked(values: Mapping[str, Any]) -> tuple[list[str], Path]:
    """Which splits to read and where to draw the shares. Raises ValueError for what cannot be."""
    splits, picture = values["splits"], values["picture"]
    if not isinstance(splits, list) or not splits or not all(isinstance(split, str) for split in splits):
        raise ValueError(f"splits is {splits!r}; needed is a list of names: splits=[train,val]")
    if not isinstance(picture, str) or not picture.strip():
        raise ValueError(f"picture is {picture!r}; needed is the path of a PNG file: picture=class_shares.png")
    return splits, Path(picture)


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
