"""The ranking of variants by epoch, for a terminal."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from segexp.compare.verdict.format import signed
from segexp.compare.verdict.ranking import LOGGED, Ranking
from segexp.compare.verdict.sentences import shorten
from segexp.compare.verdict.text.console import fit_columns, name_column, number_column, plain_table
from segexp.compare.verdict.variants import short_names

NUM_EPOCHS = 10


def ranking_table(ranking: Ranking, console: Console) -> Table:
    """mIoU and rank of each variant after at most ten epochs; * marks the leader of an epoch."""
    heading, names = short_names(ranking.names)
    counts = [str(count) for count in range(1, min(NUM_EPOCHS, len(ranking.epochs)) + 1)]

    def build(columns: Sequence[str]) -> Table:
        chosen = np.unique(np.linspace(len(ranking.epochs) - 1, 0, len(columns)).round().astype(int))
        table = plain_table(f"{LOGGED} and rank by epoch, mean over seeds; * leads; tau with the final ranking")
        name_column(table, heading)
        for index in chosen:
            number_column(table, f"epoch {ranking.epochs[index]}" if index == chosen[0] else str(ranking.epochs[index]))
        for number, name in enumerate(ranking.names):
            table.add_row(names[name], *(_cell(ranking, number, index) for index in chosen))
        table.add_section()
        taus = (ranking.tau[index] for index in chosen)
        table.add_row("Kendall's tau", *("-" if np.isnan(tau) else f"{signed(tau, 2)}   " for tau in taus))
        return table

    return fit_columns(console, build, counts)


def ranking_sentences(ranking: Ranking) -> list[str]:
    """Say after which epochs another variant led than in the end, and which runs ended early or count nowhere."""
    names = short_names(ranking.names)[1]
    final, last = ranking.leader(len(ranking.epochs) - 1), ranking.epochs[-1]
    epochs_led: dict[str, list[int]] = {}
    for index, epoch in enumerate(ranking.epochs):
        leader = ranking.leader(index)
        if leader not in (None, final):
            epochs_led.setdefault(str(leader), []).append(epoch)
    words = [f"{names[str(final)]} leads in the end, and led after every epoch."]
    if epochs_led:
        others = shorten(
            [f"{names[name]} after {_spans(epochs, ranking.epochs)}" for name, epochs in epochs_led.items()]
        )
        words = [f"{names[str(final)]} leads in the end; others led before: {others}."]
    if len(ranking.ended) > 1:
        early = shorten([f"{count} after epoch {epoch}" for epoch, count in ranking.ended.items() if epoch != last])
        words.append(f"Runs differ in length: {early} ended early and keep their last score until epoch {last}.")
    if ranking.num_without:
        words.append(f"Runs without {LOGGED} by epoch, which are not used: {ranking.num_without}.")
    if ranking.damaged:
        damaged = shorten([f"{count} in {path}" for path, count in ranking.damaged.items()])
        words.append(f"Rows whose {LOGGED} or epoch is damaged, which are not used: {damaged}.")
    return words


def _cell(ranking: Ranking, number: int, index: int) -> str:
    if np.isnan(ranking.miou[number, index]):
        return "-"
    mark = "*" if ranking.leader(index) == ranking.names[number] else " "
    return f"{ranking.miou[number, index]:.4f} {ranking.rank[number, index]:2g}{mark}"


def _spans(epochs: Sequence[int], validated: Sequence[int]) -> str:
    """`epochs 0-3, 5`: epochs that follow each other among all validated ones are one span."""
    spans: list[list[int]] = []
    for epoch in epochs:
        if spans and validated.index(epoch) == validated.index(spans[-1][-1]) + 1:
            spans[-1].append(epoch)
        else:
            spans.append([epoch])
    texts = [str(span[0]) if len(span) == 1 else f"{span[0]}-{span[-1]}" for span in spans]
    return f"epoch{'s'[: len(epochs) > 1]} {shorten(texts)}"
