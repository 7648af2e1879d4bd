"""A LaTeX table is a tabular whose rows all have its columns, and in which no name is markup."""

import re

import pytest

from segexp.display.latex import escape, latex_table, print_in_format

pytestmark = pytest.mark.fast


def num_cells(line: str) -> int:
    return len(re.findall(r"(?<!\\)&", line)) + 1


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("cross_entropy a=2", r"cross\_entropy a=2"),
        (r"50 % & #1 $x$ {y}", r"50 \% \& \#1 \$x\$ \{y\}"),
        (r"a\b~c^d", r"a\textbackslash{}b\textasciitilde{}c\textasciicircum{}d"),
        ("< 0.001", "$<$ 0.001"),
        ("±0.003", r"$\pm$0.003"),
        ("–", "--"),
        ("-0.0123", "$-0.0123$"),
        ("[-0.1, +0.2]", "[$-0.1$, $+0.2$]"),
        ("a=-1", "a=-1"),
        ("0.4820", "0.4820"),
        ("two\nlines", "two lines"),
    ],
)
def test_nothing_in_a_cell_is_interpreted(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_every_row_has_the_columns_that_the_tabular_declares() -> None:
    rows = [("a & b", "0.1", "+0.2"), ("c_d", "0.3", "")]
    lines = latex_table("IoU of 50 %", ("loss", "mean", "b - a"), rows, [("mean", "0.2", "")]).splitlines()
    assert lines[:2] == ["% IoU of 50 %", r"\begin{tabular}{lrr}"]
    assert [line for line in lines if "rule" in line] == [r"\toprule", r"\midrule", r"\midrule", r"\bottomrule"]
    cells = [line for line in lines if line.endswith(r"\\")]
    assert [num_cells(line) for line in cells] == [3, 3, 3, 3]
    assert cells[1] == r"a \& b & 0.1 & $+0.2$ \\"


def test_tables_alone_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> list[str]:
        print("said")
        return ["one", "two"]

    print_in_format("latex", work)
    assert capsys.readouterr() == ("one\n\ntwo\n", "said\n")
    print_in_format("text", lambda: print("said") or [])
    assert capsys.readouterr() == ("said\n", "")
