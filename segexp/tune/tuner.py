"""Runs trials of a study, one after the other, each as the plain command of a training in its own process."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from segexp.config.compose import compose, config_dir
from segexp.run.folder import TERMINATED
from segexp.sweep.job import Job
from segexp.sweep.process import Process, Signals
from segexp.tune.space import Space, overrides, typed
from segexp.tune.study import ENDED, REASON, Study

LOOK_SECONDS = 0.2
ORPHAN_SECONDS = 5.0
HOPELESS = 3
"""Trials that failed before any succeeded: then it is not the values that are wrong."""


@dataclass
class Tuner:
    """train: overrides of every trial. report: what else the reporting callback is built from, its pruner included."""

    study: Study
    space: Space
    train: Sequence[str]
    report: Mapping[str, Any]

    def run(self, num_trials: int, signals: Signals) -> Iterator[FrozenTrial]:
        """Trials of this process as they end, until the study has num_trials or a signal asks to end."""
        while not signals.count:
            with self.study.next_trial(self.space, num_trials) as trial:
                if trial is not None:
                    yield self._trained(trial, signals)
                    self._check_hopeful()
                    continue
            if not self.study.orphans():
                return
            time.sleep(ORPHAN_SECONDS)

    def arguments(self, trial: FrozenTrial) -> list[str]:
        """What segexp.train is given for a trial, but its run folder."""
        facts = {"metric": self.study.metric, "journal": str(self.study.journal), "study": self.study.name}
        report = {**self.report, **facts, "number": trial.number}
        quiet = [] if _gives(self.train, "trainer.enable_progress_bar") else ["trainer.enable_progress_bar=false"]
        return [
            *config_dir(),
            *self.train,
            *overrides(trial.params),
            *self._group(),
            *quiet,
            typed("+callbacks.report", report),
        ]

    def _trained(self, trial: FrozenTrial, signals: Signals) -> FrozenTrial:
        folder = self.study.run(trial.number).path
        process = Process(Job(trial.number, f"trial {trial.number}", folder, tuple(self.arguments(trial))), {})
        status = _status(process, signals)
        if (signals.count and status) or status == TERMINATED:
            self.study.give_back(trial.number)
        else:
            self.study.conclude(trial.number)
        return self.study.trials()[trial.number]

    def _check_hopeful(self) -> None:
        ended = [trial for trial in self.study.counted() if trial.state in ENDED]
        if len(ended) >= HOPELESS and all(trial.state is TrialState.FAIL for trial in ended):
            reason, log = ended[-1].user_attrs.get(REASON), self.study.run(ended[-1].number).path / "job.log"
            raise ValueError(f"all of the first {len(ended)} trials failed, the last one by {reason}; see {log}")

    def _group(self) -> list[str]:
        if _gives(self.train, "logger.group"):
            return []
        logger = compose("train", list(self.train))["logger"] or {}
        return [typed("logger.group", self.study.name)] if "group" in logger else []


def _gives(train: Sequence[str], key: str) -> bool:
    return any(override.lstrip("+").startswith(f"{key}=") for override in train)


def _status(process: Process, signals: Signals) -> int:
    """Exit status of a training; the first signal asks it to end, the second kills it."""
    told = 0
    while (status := process.exit_status()) is None:
        if signals.count > told:
            told = signals.count
            process.terminate() if told == 1 else process.kill()
        time.sleep(LOOK_SECONDS)
    return status
