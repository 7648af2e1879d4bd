"""What a study came to: trials.csv, the best command, pictures."""

import csv
import io
import shlex
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from segexp.config.compose import config_dir

matplotlib.use("Agg")

import optuna.visualization.matplotlib as plots
from matplotlib import pyplot
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState

from segexp.display import pictures
from segexp.system.files import write_whole
from segexp.tune.space import overrides, typed
from segexp.tune.study import LOST, REASON, Study, best

PLOTS = {
    "history": plots.plot_optimization_history,
    "parameters": plots.plot_slice,
    "parallel_coordinates": plots.plot_parallel_coordinate,
    "importances": plots.plot_param_importances,
    "learning_curves": plots.plot_intermediate_values,
}
FEWEST_FOR_PLOTS = 2


def write(study: Study, train: Sequence[str]) -> None:
    """trials.csv, best.txt and pictures/ in the study's folder."""
    trials = study.trials()
    write_whole(study.folder / "trials.csv", table(study, trials))
    winner = best(trials)
    if winner is not None:
        write_whole(study.folder / "best.txt", f"{command(winner, train)}\n")
    if sum(trial.state is TrialState.COMPLETE for trial in trials) >= FEWEST_FOR_PLOTS:
        for name, plot in PLOTS.items():
            _draw(study, plot, study.folder / "pictures" / f"{name}.png")


def command(trial: FrozenTrial, train: Sequence[str]) -> str:
    """The training of a trial by itself, for a longer run or other seeds."""
    return shlex.join(["python", "-m", "segexp.train", *config_dir(), *train, *overrides(trial.params)])


def next_command(study: Study, trial: FrozenTrial) -> str:
    """The evaluation of a trial's run."""
    run = typed("run", str(study.run(trial.number).path))
    return shlex.join(["python", "-m", "segexp.evaluate", run, *config_dir()])


def table(study: Study, trials: Sequence[FrozenTrial]) -> str:
    """A row for each trial: number, state, score, minutes, epochs, its values, its run folder, why it failed."""
    keys = list(dict.fromkeys(key for trial in trials for key in trial.params))
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(["trial", "state", "score", "minutes", "epochs", *keys, "run", "reason"])
    for trial in trials:
        values = [trial.params.get(key, "") for key in keys]
        seconds = trial.duration.total_seconds() if trial.duration else 0.0
        epochs = len(trial.intermediate_values)
        score = "" if trial.value is None else trial.value
        run, reason = study.run(trial.number).path, trial.user_attrs.get(REASON, "")
        writer.writerow([trial.number, state(trial), score, f"{seconds / 60:.2f}", epochs, *values, run, reason])
    return content.getvalue()


def line(trial: FrozenTrial) -> str:
    """One trial, for a terminal."""
    score = "" if trial.value is None else f" {trial.value:.4f}"
    reason = f" ({trial.user_attrs[REASON]})" if REASON in trial.user_attrs else ""
    return f"trial {trial.number}: {state(trial)}{score}{reason}  {' '.join(overrides(trial.params))}"


def state(trial: FrozenTrial) -> str:
    return "stopped, run again" if trial.user_attrs.get(LOST) else trial.state.name.lower()


def _draw(study: Study, plot: Any, path: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            warnings.simplefilter("ignore", UserWarning)
            axes = plot(study.optuna)
        figure = (axes.flat[0] if hasattr(axes, "flat") else axes).figure
        with pyplot.rc_context({"savefig.bbox": "tight"}):  # Optuna's labels reach beyond the figure
            pictures.save(figure, path)
    except (ValueError, RuntimeError):  # importances of trials that do not differ
        return
    finally:
        pyplot.close("all")
