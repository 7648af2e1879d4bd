"""Zero has no sign, wherever a comparison is shown."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from segexp.compare.report.report_files import write_report
from segexp.compare.verdict.format import signed
from segexp.compare.verdict.run_pair import read_run_pair
from segexp.compare.verdict.text.console import print_sections
from segexp.compare.verdict.text.latex import comparison_tables, pair_tables
from segexp.compare.verdict.text.run_pair import pair_sections
from segexp.compare.verdict.text.sections import comparison_sections
from segexp.compare.wandb.verdict_markdown import verdict_markdown
from tests.compare.report.runs import compare_folder, run

SIGNED_ZERO = re.compile(r"[+−-]0\.0+(?!\d)")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0000"), (-0.0, "0.0000"), (4e-5, "0.0000"), (-4e-5, "0.0000"), (6e-5, "+0.0001"), (-0.25, "-0.2500")],
)
def test_what_is_rounded_to_zero_has_no_sign(value: float, text: str) -> None:
    assert signed(value) == text


def printed(sections) -> str:
    terminal = Console(file=io.StringIO(), width=200)
    print_sections(terminal, sections)
    return terminal.file.getvalue()


def test_equal_runs_differ_by_a_zero_without_a_sign_in_every_output(tmp_path: Path) -> None:
    folders = [run(tmp_path / "sweep" / f"{loss}{seed}", loss, seed) for loss in ("dice", "focal") for seed in (0, 1)]
    comparison = compare_folder(tmp_path / "sweep", "dice")
    pair = read_run_pair(folders[0], folders[2], "val")
    write_report(comparison, tmp_path, "")
    outputs = {
        "terminal": printed(comparison_sections(comparison, Console(width=200), "epoch")),
        "terminal, two runs": printed(pair_sections(pair)),
        "latex": "\n".join(comparison_tables(comparison)),
        "latex, two runs": "\n".join(pair_tables(pair)),
        "page": (tmp_path / "report.html").read_text(),
        "markdown": (tmp_path / "report.md").read_text(),
        "W&B": verdict_markdown(comparison),
    }
    assert {name: SIGNED_ZERO.findall(text) for name, text in outputs.items()} == {name: [] for name in outputs}
    assert all("0.0000" in text for text in outputs.values())
