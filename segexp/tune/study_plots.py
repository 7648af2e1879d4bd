"""The trials of a study as figures: scores, values that were tried, and how much each of them matters."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.distributions import CategoricalDistribution
from optuna.importance import get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from segexp.display.text import shorten, widest, width
from segexp.tune.space import override
from segexp.types import Values

FEWEST_TRIALS = 2
"""With fewer that were completed there is nothing to draw."""
BEST, OTHER, PRUNED = "tab:red", "tab:blue", "0.6"
"""Colours of trials."""
TITLE = "values and score of each trial; red: the best"
COLUMNS = 3
"""Of the plots of single keys."""


class Scale(NamedTuple):
    """Places, 0 to 1, of the values of a key. ticks: places and their texts."""

    places: dict[int, float]
    ticks: dict[float, str]


def figures(study: Study, metric: str) -> dict[str, Figure]:
    """Name of the file -> figure. metric: what a trial's score is called."""
    trials = study.get_trials(deepcopy=False)
    completed = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if len(completed) < FEWEST_TRIALS:
        return {}
    best = max(completed, key=_score)
    drawn = {
        "history": _history(trials, completed, best, metric),
        "learning_curves": _learning_curves(trials, best, metric),
    }
    scales = {key: _scale(key, completed) for key in best.params}
    if scales:
        drawn["parameters"] = _parameters(scales, completed, best, metric)
        drawn["parallel_coordinates"] = _parallel_coordinates(scales, completed, best, metric)
    importances = _importances(study)
    return drawn | ({"importances": importances} if importances else {})


def _score(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value


def _history(trials: Sequence[FrozenTrial], completed: Sequence[FrozenTrial], best: FrozenTrial, metric: str) -> Figure:
    figure = Figure(figsize=(8, 4.5), dpi=100, layout="constrained")
    axis = figure.subplots()
    numbers, scores = [trial.number for trial in completed], [_score(trial) for trial in completed]
    axis.step(numbers, np.maximum.accumulate(scores), where="post", color="0.5", label="best so far")
    axis.plot(numbers, scores, "o", color=OTHER, label="completed")
    pruned = [trial for trial in trials if trial.state is TrialState.PRUNED and trial.intermediate_values]
    if pruned:
        last = [list(trial.intermediate_values.values())[-1] for trial in pruned]
        axis.plot([trial.number for trial in pruned], last, "x", color=PRUNED, label="pruned, its last score")
    _mark(axis, best.number, best)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(xlabel="trial", ylabel=metric, title="score of each trial")
    axis.legend()
    return figure


def _learning_curves(trials: Sequence[FrozenTrial], best: FrozenTrial, metric: str) -> Figure:
    figure = Figure(figsize=(8, 4.5), dpi=100, layout="constrained")
    axis = figure.subplots()
    named = {TrialState.COMPLETE: ("completed", OTHER, "-"), TrialState.PRUNED: ("pruned", PRUNED, "--")}
    for state, (name, color, style) in named.items():
        others = [trial for trial in trials if trial.state is state and trial.number != best.number]
        for number, trial in enumerate(others):
            _draw_curve(axis, trial, style, color=color, alpha=0.5, label=None if number else name)
    _draw_curve(axis, best, "-", color=BEST, linewidth=2.5, label=f"trial {best.number}, the best")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(xlabel="epoch", ylabel=metric, title="learning curve of each trial")
    axis.legend(loc="lower right")
    return figure


def _draw_curve(axis: Axes, trial: FrozenTrial, style: str, **options: Any) -> None:
    epochs = [epoch + 1 for epoch in trial.intermediate_values]
    axis.plot(epochs, list(trial.intermediate_values.values()), style, marker=".", **options)


def _parameters(scales: dict[str, Scale], completed: Sequence[FrozenTrial], best: FrozenTrial, metric: str) -> Figure:
    """The score by the value of each key."""
    num_columns = min(COLUMNS, len(scales))
    num_rows = -(-len(scales) // num_columns)
    figure = Figure(figsize=(3.6 * num_columns + 0.6, 3.2 * num_rows + 0.3), dpi=100, layout="constrained")
    grid = figure.subplots(num_rows, num_columns, sharey=True, squeeze=False)
    for axis in grid.flat[len(scales) :]:
        axis.set_axis_off()
    for axis, (key, scale) in zip(grid.flat, scales.items(), strict=False):
        known = [trial for trial in completed if trial.number in scale.places]
        axis.plot([scale.places[trial.number] for trial in known], [_score(trial) for trial in known], "o", color=OTHER)
        if best.number in scale.places:
            _mark(axis, scale.places[best.number], best)
        axis.set_xticks(list(scale.ticks), [shorten(text, 14) for text in scale.ticks.values()])
        axis.set(xlabel=shorten(key), xlim=(-0.08, 1.08))
    for axis in grid[:, 0]:
        axis.set_ylabel(metric)
    figure.suptitle(f"score by each value; the star is the best, trial {best.number}")
    return figure


def _parallel_coordinates(
    scales: dict[str, Scale], completed: Sequence[FrozenTrial], best: FrozenTrial, metric: str
) -> Figure:
    """A line for each trial through its values to its score; the better, the darker, and the best in red."""
    columns = {**scales, metric: _numbers({trial.number: _score(trial) for trial in completed}, log=False)}
    names = [shorten(name, 30) for name in columns]
    texts = [shorten(text, 14) for scale in columns.values() for text in scale.ticks.values()]
    step = max(widest(names) + 0.3, widest(texts, 9) + 0.5, 1.4)
    left, right = max(widest(names) / 2, widest(texts, 9) + 0.1) + 0.2, widest(names) / 2 + 0.2
    size = (max(left + step * len(scales) + right, width(TITLE, 12) + 1.5), 5.5)
    figure = Figure(figsize=size, dpi=100)
    axis = figure.add_axes((left / size[0], 0.05, step * len(scales) / size[0], 0.77))
    axis.set(xlim=(0, len(scales)), ylim=(-0.03, 1.03))
    axis.set_axis_off()
    shown = [trial for trial in completed if all(trial.number in scale.places for scale in columns.values())]
    for trial in sorted(shown, key=_score):
        places = [scale.places[trial.number] for scale in columns.values()]
        is_best = trial.number == best.number
        shade = 0.15 + 0.85 * places[-1] ** 2
        options: Values = (
            {"color": BEST, "linewidth": 2.5} if is_best else {"color": OTHER, "alpha": shade, "linewidth": 1.2}
        )
        axis.plot(range(len(columns)), places, clip_on=False, **options)
    for column, (name, scale) in enumerate(zip(names, columns.values(), strict=True)):
        axis.axvline(column, color="0.2", linewidth=1, clip_on=False)
        axis.text(column, 1.07, name, ha="center", size=10)
        for place, text in scale.ticks.items():
            box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1}
            axis.annotate(
                shorten(text, 14), (column, place), (-5, 0), textcoords="offset points", ha="right", va="center",
                size=9, bbox=box,
            )  # fmt: skip
    figure.text(0.5, 0.94, f"{TITLE}, trial {best.number}", size=12, ha="center")
    return figure


def _importances(study: Study) -> Figure | None:
    """None where the trials do not tell."""
    try:
        shares = get_param_importances(study)
    except (ValueError, RuntimeError):  # trials that do not differ
        return None
    if not shares:
        return None
    figure = Figure(figsize=(8, 1.4 + 0.4 * len(shares)), dpi=100, layout="constrained")
    axis = figure.subplots()
    axis.barh([shorten(key) for key in shares], list(shares.values()), color=OTHER)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), xlabel="importance (fANOVA), 1 in all", title="how much each key matters for the score")
    return figure


def _mark(axis: Axes, place: float, best: FrozenTrial) -> None:
    axis.plot([place], [_score(best)], "*", color=BEST, ms=14, label=f"trial {best.number}: {_score(best):.4f}")


def _scale(key: str, trials: Sequence[FrozenTrial]) -> Scale:
    values = {trial.number: trial.params[key] for trial in trials if key in trial.params}
    distribution = next(trial.distributions[key] for trial in trials if key in trial.params)
    if isinstance(distribution, CategoricalDistribution):
        choices = list(distribution.choices)
        place_of = [index / max(1, len(choices) - 1) for index in range(len(choices))]
        places = {number: place_of[choices.index(value)] for number, value in values.items()}
        texts = [override(key, choice).partition("=")[2] for choice in choices]
        return Scale(places, dict(zip(place_of, texts, strict=True)))
    return _numbers(values, bool(getattr(distribution, "log", False)))


def _numbers(values: dict[int, float], log: bool) -> Scale:
    """From the least to the greatest, with ticks at both and halfway."""
    scaled = {number: float(np.log(value) if log else value) for number, value in values.items()}
    low, high = min(scaled.values()), max(scaled.values())
    ticks = {place: low + place * (high - low) for place in ((0.0, 0.5, 1.0) if high > low else (0.5,))}
    places = {number: (value - low) / (high - low) if high > low else 0.5 for number, value in scaled.items()}
    return Scale(places, {place: f"{np.exp(tick) if log else tick:.3g}" for place, tick in ticks.items()})
