"""Tables of records, as a terminal shows them."""

import io

from rich.console import Console

from segexp.display.tables import records_table


def test_an_unbroken_value_stays_on_one_line_however_narrow_the_terminal_is() -> None:
    records = [{"image": "2×3×33×47", **{f"largest difference {number}": 0.25 for number in range(6)}}]
    console = Console(file=io.StringIO(), width=60)
    console.print(records_table(records, "title", unbroken=["image"]))
    assert "2×3×33×47" in console.file.getvalue()  # type: ignore[attr-defined]
