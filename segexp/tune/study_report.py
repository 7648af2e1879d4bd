"""The results of a study: trials.csv, best.txt with the command of the best trial, and pictures."""

import csv
import io
import shlex
from collections.abc import Sequence

from optuna.trial import FrozenTrial

from segexp.config.compose import config_dir
from segexp.display import pictures
from segexp.system.files import from_here, write_atomic
from segexp.tune import study_plots
from segexp.tune.space import override, overrides
from segexp.tune.study import REASON, REPEATED, Study, best_trial


def write(study: Study, train: Sequence[str]) -> None:
    """Write trials.csv, best.txt and pictures/ to the study's folder."""
    trials = study.trials()
    write_atomic(study.folder / "trials.csv", table(study, trials))
    best = best_trial(trials)
    if best is not None:
        write_atomic(study.folder / "best.txt", f"{training_command(best, train)}\n")
    for name, figure in study_plots.figures(study.optuna, study.metric).items():
        pictures.save(figure, study.folder / "pictures" / f"{name}.png")


def training_command(trial: FrozenTrial, train: Sequence[str]) -> str:
    """The command that trains with the values of a trial, for a longer run or other seeds."""
    return shlex.join(["python", "-m", "segexp.train", *config_dir(), *train, *overrides(trial.params)])


def evaluation_command(study: Study, trial: FrozenTrial) -> str:
    """The command that evaluates the run of a trial."""
    run = override("run", str(from_here(study.run(trial.number).path)))
    return shlex.join(["python", "-m", "segexp.evaluate", run, *config_dir()])


def table(study: Study, trials: Sequence[FrozenTrial]) -> str:
    """CSV with a row for each trial: number, state, score, minutes, epochs, values, run folder, why it failed."""
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
    """One trial in one line, for a terminal."""
    score = "" if trial.value is None else f" {trial.value:.4f}"
    reason = f" ({trial.user_attrs[REASON]})" if REASON in trial.user_attrs else ""
    return f"trial {trial.number}: {state(trial)}{score}{reason}  {' '.join(overrides(trial.params))}"


def state(trial: FrozenTrial) -> str:
    return "stopped, run again" if trial.user_attrs.get(REPEATED) else trial.state.name.lower()
