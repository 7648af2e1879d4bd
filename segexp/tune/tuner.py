"""Runs trials of a study, one after the other, each as the plain command of a training in its own process."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from segexp.config.compose import compose, config_dir
from segexp.run.folder import TERMINATED
from segexp.sweep.job import Job
from segexp.sweep.job_process import JobProcess, SignalCounter
from segexp.tune.space import Space, override, overrides
from segexp.tune.study import FINAL_STATES, REASON, Study

POLL_SECONDS = 0.2
ORPHAN_SECONDS = 5.0
MAX_FIRST_FAILURES = 3
"""If this many trials fail before any succeeds, the cause is not their values, and the study ends."""


@dataclass
class Tuner:
    """Trains the trials of a study.

    train: overrides of every trial. report: the settings of the callback that reports scores, its pruner included.
    """

    study: Study
    space: Space
    train: Sequence[str]
    report: Mapping[str, Any]

    def run(self, num_trials: int, signals: SignalCounter) -> Iterator[FrozenTrial]:
        """The trials of this process as they end, until the study has num_trials or a signal comes."""
        while not signals.count:
            with self.study.next_trial(self.space, num_trials) as trial:
                if trial is not None:
                    yield self._run_trial(trial, signals)
                    self._check_failures()
                    continue
            if not self.study.orphans():
                return
            time.sleep(ORPHAN_SECONDS)

    def arguments(self, trial: FrozenTrial) -> list[str]:
        """The arguments of segexp.train for a trial, without its run folder."""
        facts = {"metric": self.study.metric, "journal": str(self.study.journal), "study": self.study.name}
        report = {**self.report, **facts, "number": trial.number}
        quiet = [] if _sets(self.train, "trainer.enable_progress_bar") else ["trainer.enable_progress_bar=false"]
        return [
            *config_dir(),
            *self.train,
            *overrides(trial.params),
            *self._group(),
            *quiet,
            override("+callbacks.report", report),
        ]

    def _run_trial(self, trial: FrozenTrial, signals: SignalCounter) -> FrozenTrial:
        folder = self.study.run(trial.number).path
        process = JobProcess(Job(trial.number, f"trial {trial.number}", folder, tuple(self.arguments(trial))), {})
        exit_status = _wait(process, signals)
        if (signals.count and exit_status) or exit_status == TERMINATED:
            self.study.requeue(trial.number)
        else:
            self.study.conclude(trial.number)
        return self.study.trials()[trial.number]

    def _check_failures(self) -> None:
        trials = [trial for trial in self.study.trials_that_count() if trial.state in FINAL_STATES]
        if len(trials) >= MAX_FIRST_FAILURES and all(trial.state is TrialState.FAIL for trial in trials):
            reason, log = trials[-1].user_attrs.get(REASON), self.study.run(trials[-1].number).path / "job.log"
            raise ValueError(f"all of the first {len(trials)} trials failed, the last one by {reason}; see {log}")

    def _group(self) -> list[str]:
        """Put the trials into a group of the study's name, for every logger that knows groups and was given none."""
        loggers = compose("train", list(self.train)).get("logger") or {}
        grouped = [name for name, node in loggers.items() if isinstance(node, dict) and node.get("group", "") is None]
        return [override(f"logger.{name}.group", self.study.name) for name in grouped]


def _sets(train: Sequence[str], key: str) -> bool:
    return any(each.lstrip("+").startswith(f"{key}=") for each in train)


def _wait(process: JobProcess, signals: SignalCounter) -> int:
    """Exit status of a training; the first signal asks it to end, the second kills it."""
    num_handled = 0
    while (status := process.exit_status()) is None:
        if signals.count > num_handled:
            num_handled = signals.count
            process.terminate() if num_handled == 1 else process.kill()
        time.sleep(POLL_SECONDS)
    return status
