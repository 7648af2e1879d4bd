"""The panels of a comparison, the same in a workspace and in a report."""

from typing import Any

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.wandb import keys
from segexp.compare.wandb.library import reports

MEAN_AND_SPREAD: dict[str, Any] = {"groupby_aggfunc": "mean", "groupby_rangefunc": "stddev"}
MOST_LINES = 100


def sections(comparison: Comparison) -> dict[str, list[Any]]:
    """Heading of a section -> its panels.

    Where one setting alone sets the variants apart, panels group by it; otherwise they follow the grouping of the runs.
    """
    varying = keys.varying_keys(comparison)
    options = {
        **MEAN_AND_SPREAD,
        "groupby": reports.Config(varying[0]) if len(varying) == 1 else None,
        "max_runs_to_show": min(MOST_LINES, max(10, len(keys.all_runs(comparison)))),
    }
    return {
        "Curves, mean and standard deviation over seeds": _curves(options),
        "IoU of each class, last epoch": _bars(comparison, options),
        "Settings and score": _settings(comparison),
        "Runs side by side": [reports.RunComparer(diff_only="split")],
        "Pictures": [reports.MediaBrowser(media_keys=list(keys.MEDIA), num_columns=2)],
    }


def _curves(options: dict[str, Any]) -> list[Any]:
    pairs = [(keys.SCORE, keys.EPOCH), (keys.SCORE, keys.STEP), *((loss, keys.EPOCH) for loss in keys.LOSSES)]
    return [reports.LinePlot(title=f"{y} by {x}", x=x, y=[y], **options) for y, x in pairs]


def _bars(comparison: Comparison, options: dict[str, Any]) -> list[Any]:
    bars = keys.class_scores(comparison).items()
    return [reports.BarPlot(title=name, metrics=[score], range_x=(0, 1), **options) for name, score in bars]


def _settings(comparison: Comparison) -> list[Any]:
    columns = [*keys.varying_keys(comparison), "seed"]
    varying = [key for key in columns if len(set(map(repr, keys.values(comparison, key)))) > 1]
    axes = [_axis(reports.Config(key), _spans_decades(keys.values(comparison, key))) for key in varying]
    return [
        reports.ParallelCoordinatesPlot(title=keys.SCORE, columns=[*axes, _axis(reports.SummaryMetric(keys.SCORE))]),
        reports.ParameterImportancePlot(with_respect_to=keys.SCORE),
    ]


def _axis(metric: Any, is_logarithmic: bool = False) -> Any:
    return reports.ParallelCoordinatesPlotColumn(metric, log=is_logarithmic or None)


def _spans_decades(values: list[Any]) -> bool:
    """Whether these are positive numbers over a factor of ten or more, as learning rates often are."""
    if not all(isinstance(value, float) and value > 0 for value in values):
        return False
    return max(values) >= 10 * min(values)
