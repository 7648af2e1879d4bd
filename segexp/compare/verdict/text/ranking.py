"""The ranking as it develops, for a terminal."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from segexp.compare.verdict.ranking import SCORE, Ranking
from segexp.compare.verdict.sentences import few
from segexp.compare.verdict.text.console import fitting, name_column, number_column, table
from segexp.compare.verdict.variants import shown_names

NUM_EPOCHS = 10


def ranking_table(found: Ranking, console: Console) -> Table:
    """mIoU and rank of each variant after at most ten epochs; * marks the leader of an epoch."""
    heading, names = shown_names(found.names)
    counts = [str(count) for count in range(1, min(NUM_EPOCHS, len(found.epochs)) + 1)]

    def build(shown: Sequence[str]) -> Table:
        chosen = np.unique(np.linspace(len(found.epochs) - 1, 0, len(shown)).round().astype(int))
        built = table(f"{SCORE} and rank by epoch, mean over seeds; * leads; tau with the final ranking")
        name_column(built, heading)
        for index in chosen:
            number_column(built, f"epoch {found.epochs[index]}" if index == chosen[0] else str(found.epochs[index]))
        for number, name in enumerate(found.names):
            built.add_row(names[name], *(_cell(found, number, index) for index in chosen))
        built.add_section()
        taus = (found.tau[index] for index in chosen)
        built.add_row("Kendall's tau", *("-" if np.isnan(tau) else f"{tau:+.2f}   " for tau in taus))
        return built

    return fitting(console, build, counts)


def ranking_sentences(found: Ranking) -> list[str]:
    """Where another variant led than in the end, and what was done with runs that ended early."""
    names = shown_names(found.names)[1]
    final, last = found.leader(len(found.epochs) - 1), found.epochs[-1]
    others: dict[str, list[int]] = {}
    for index, epoch in enumerate(found.epochs):
        leader = found.leader(index)
        if leader not in (None, final):
            others.setdefault(str(leader), []).append(epoch)
    said = [f"{names[str(final)]} leads in the end, and led after every epoch."]
    if others:
        elsewhere = few([f"{names[name]} after {_spans(epochs, found.epochs)}" for name, epochs in others.items()])
        said = [f"{names[str(final)]} leads in the end; others led before: {elsewhere}."]
    if len(found.ended) > 1:
        early = few([f"{count} after epoch {epoch}" for epoch, count in found.ended.items() if epoch != last])
        said.append(f"Runs differ in length: {early} have ended, and keep their last score up to epoch {last}.")
    if found.num_without:
        said.append(f"Runs without {SCORE} by epoch, which count nowhere: {found.num_without}.")
    if found.damaged:
        damaged = few([f"{count} in {path}" for path, count in found.damaged.items()])
        said.append(f"Rows whose {SCORE} or epoch is damaged, which count nowhere: {damaged}.")
    return said


def _cell(found: Ranking, number: int, index: int) -> str:
    if np.isnan(found.miou[number, index]):
        return "-"
    mark = "*" if found.leader(index) == found.names[number] else " "
    return f"{found.miou[number, index]:.3f} {found.rank[number, index]:2g}{mark}"


def _spans(epochs: Sequence[int], every: Sequence[int]) -> str:
    """epochs 0-3, 5: consecutive ones of all those that were validated as one span."""
    spans: list[list[int]] = []
    for epoch in epochs:
        if spans and every.index(epoch) == every.index(spans[-1][-1]) + 1:
            spans[-1].append(epoch)
        else:
            spans.append([epoch])
    said = [str(span[0]) if len(span) == 1 else f"{span[0]}-{span[-1]}" for span in spans]
    return f"epoch{'s'[: len(epochs) > 1]} {few(said)}"
