"""Another data set than that of the run, for a network whose classes it may have in part."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segexp.classes import UNKNOWN_LABEL, Grouping, Label, LabelTable
from segexp.system.once import warn_once
from segexp.types import Bytes

if TYPE_CHECKING:
    from segexp.data.pairs import Pair, Source

log = logging.getLogger(__name__)


@dataclass
class OtherSource:
    """A source whose table also has the labels of the run's classes that its masks never hold."""

    source: "Source"
    table: LabelTable

    def pairs(self, split: str) -> "list[Pair]":
        return self.source.pairs(split)

    def mask(self, pair: "Pair") -> Bytes:
        return self.source.mask(pair)


def other_source(source: "Source", grouping: Grouping) -> "Source":
    """The source with every label of the grouping in its table; a line says which of them its masks do not have.

    They get ids that are free there. Classes of such labels alone never occur, so they have no score.
    Raises ValueError if the source has no label of the grouping, or no free ids.
    """
    table, wanted = source.table, [label for each in grouping.classes for label in each.labels]
    known = {label.name for label in table.labels}
    missing = [label for label in wanted if label not in known]
    if not missing:
        return source
    if len(missing) == len(wanted):
        raise ValueError(
            f"the classes of the run, {grouping.name}, are made of the labels {', '.join(wanted)}, and this data set "
            f"has none of them; it has: {', '.join(sorted(known))}; name its labels as those, by data.labels with "
            "data=folder"
        )
    free = [number for number in reversed(range(UNKNOWN_LABEL)) if number not in table.mask_values()]
    if len(free) < len(missing):
        raise ValueError(
            f"the masks of this data set have {len(table.labels)} ids, and {len(missing)} labels need more"
        )
    warn_once(log, f"labels of {grouping.name} that this data set does not have: {', '.join(missing)}")
    further = (Label(name, number, (0, 0, 0)) for name, number in zip(missing, free, strict=False))
    return OtherSource(source, LabelTable(table.name, (*table.labels, *further)))
