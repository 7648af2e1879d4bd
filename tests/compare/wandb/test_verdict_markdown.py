"""The verdict as a reader of Markdown understands it: whatever runs are called and failed of, it stays text."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from markdown_it import MarkdownIt

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.extra_scores import extra_scores
from segexp.compare.verdict.sentences import sentences
from segexp.compare.wandb.verdict_markdown import verdict_markdown

HOSTILE = "loss=a|b `c` *d* <b>e</b> [f](http://g)"
REASON = "failed during training: RuntimeError: first\n- second\n```\n# third\n" + "long " * 100


def test_names_and_reasons_stay_text(comparison: Comparison) -> None:
    first, *others = comparison.rows
    renamed = replace(
        comparison,
        rows=[replace(first, name=HOSTILE), *others],
        variants={HOSTILE: comparison.variants[first.name], **comparison.variants},
        skipped_runs=[(Path("/runs/d0"), REASON), (Path("/runs/d1"), "failed during training")],
    )
    tokens = MarkdownIt("commonmark").enable("table").parse(verdict_markdown(renamed))
    counted = Counter(token.type for token in tokens)
    assert counted["list_item_open"] == len(sentences(renamed))
    num_rows, num_scores = len(comparison.rows), len(extra_scores(renamed))
    assert counted["tr_open"] == 1 + num_rows + 1 + num_scores
    assert counted["td_open"] == 10 * num_rows + (1 + num_rows) * num_scores
    assert counted["heading_open"] == 0
    inner = {child.type for token in tokens for child in token.children or []}
    assert inner == {"text"}
    texts = ["".join(child.content for child in token.children or []) for token in tokens]
    assert HOSTILE in texts
    (fence,) = (token.content for token in tokens if token.type == "fence")
    assert [line for line in fence.splitlines() if "second" in line] == [
        line for line in fence.splitlines() if line.startswith("    /runs/d0: RuntimeError: first - second ``` # third")
    ]
    assert "    /runs/d1" in fence.splitlines()
