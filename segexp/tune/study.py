"""A study in a folder that any number of processes share: who runs which trial, and what became of it.

FOLDER/journal.log is Optuna's, FOLDER/study.yaml what all trials have in common, FOLDER/trials/NUMBER a run folder.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
import yaml
from filelock import FileLock, Timeout
from optuna.distributions import BaseDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, TrialState

from segexp.callbacks.report_to_study import PRUNED
from segexp.run.folder import RunFolder
from segexp.system.files import write_whole

LOST = "lost"
REASON = "reason"
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class Study:
    """facts: what must be the same whenever the study goes on (train, space, metric). sampler, pruner: Optuna's."""

    def __init__(self, folder: Path, facts: Mapping[str, Any], sampler: Any, pruner: Any) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.folder = folder
        self.name = folder.name
        self.metric: str = facts["metric"]
        self.journal = folder / "journal.log"
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._check_same(facts)
            _drop_torn_line(self.journal)
            self.optuna = optuna.create_study(
                storage=JournalStorage(JournalFileBackend(str(self.journal))),
                study_name=self.name,
                direction="maximize",
                load_if_exists=True,
                sampler=sampler,
                pruner=pruner,
            )

    def trials(self) -> list[FrozenTrial]:
        return self.optuna.get_trials(deepcopy=False)

    def run(self, number: int) -> RunFolder:
        return RunFolder(self.folder / "trials" / str(number))

    def counted(self) -> list[FrozenTrial]:
        """Trials but those whose values a later one took over."""
        return [trial for trial in self.trials() if not trial.user_attrs.get(LOST)]

    def orphans(self) -> list[int]:
        """Numbers of the trials that go on training though the process that began them is gone."""
        running = [trial for trial in self.trials() if trial.state is TrialState.RUNNING]
        return [trial.number for trial in running if self._is_left(trial.number) and self._is_training(trial.number)]

    @contextmanager
    def next_trial(self, space: Mapping[str, BaseDistribution], num_trials: int) -> Iterator[FrozenTrial | None]:
        """A new trial, this process's as long as the body runs; None where num_trials are taken."""
        with self._locked():
            self._settle()
            taken = [trial for trial in self.counted() if trial.state is not TrialState.WAITING]
            number = self.optuna.ask(dict(space)).number if len(taken) < num_trials else None
            owned = None if number is None else self._owner(number)
            if owned is not None:
                owned.acquire(timeout=0)
        try:
            yield None if number is None else self.trials()[number]
        finally:
            if owned is not None:
                owned.release()

    def conclude(self, number: int) -> None:
        """Tell the study what a training that is over came to: its best score, pruned, or failed and why."""
        run = self.run(number)
        scores = [row[self.metric] for row in run.history() if self.metric in row]
        if run.state() == "finished" and scores:
            if PRUNED in self.trials()[number].user_attrs:
                self.optuna.tell(number, state=TrialState.PRUNED)
            else:
                self.optuna.tell(number, max(scores))
            return
        said = {"finished": f"no epoch has {self.metric}", "running": "it was killed"}.get(run.state(), run.state())
        self._trial(number).set_user_attr(REASON, run.status().get("reason") or said)
        self.optuna.tell(number, state=TrialState.FAIL)

    def give_back(self, number: int) -> None:
        """Let a trial that was stopped from outside be run again, as a new one with the same values."""
        trial = self._trial(number)
        trial.set_user_attr(LOST, True)
        self.optuna.tell(number, state=TrialState.FAIL)
        self.optuna.enqueue_trial(trial.params, user_attrs={"again": number})

    def _settle(self) -> None:
        """Conclude the trials whose process is gone and whose training is over; give back what was not finished."""
        for trial in self.trials():
            if trial.state is not TrialState.RUNNING or not self._is_left(trial.number):
                continue
            if self.run(trial.number).state() == "finished":
                self.conclude(trial.number)
            elif not self._is_training(trial.number):
                self.give_back(trial.number)

    def _trial(self, number: int) -> optuna.Trial:
        return optuna.Trial(self.optuna, self.trials()[number]._trial_id)

    def _is_left(self, number: int) -> bool:
        with suppress(Timeout), self._owner(number).acquire(timeout=0):
            return True
        return False

    def _is_training(self, number: int) -> bool:
        run = self.run(number)
        try:
            with run.locked():
                return False
        except FileExistsError:
            return True

    def _owner(self, number: int) -> FileLock:
        run = self.run(number)
        run.path.mkdir(parents=True, exist_ok=True)
        return FileLock(run.path / ".trial.lock")

    def _locked(self) -> FileLock:
        return FileLock(self.folder / ".lock")

    def _check_same(self, facts: Mapping[str, Any]) -> None:
        file = self.folder / "study.yaml"
        if not file.is_file():
            write_whole(file, yaml.safe_dump(dict(facts), sort_keys=False))
            return
        before = yaml.safe_load(file.read_text())
        changed = [key for key in facts if before.get(key) != facts[key]]
        if changed:
            raise ValueError(
                f"{file} says otherwise: {', '.join(f'{key} was {before.get(key)}' for key in changed)}; trials of one "
                "study must be comparable: give the same, or another study="
            )


def _drop_torn_line(journal: Path) -> None:
    """Optuna refuses a journal in which a full disk or a power cut left half a line."""
    if not journal.is_file():
        return
    lock = JournalFileSymlinkLock(str(journal))
    lock.acquire()
    try:
        content = journal.read_bytes()
        if not content.endswith(b"\n"):
            os.truncate(journal, content.rfind(b"\n") + 1)
    finally:
        lock.release()


def best(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The complete trial with the highest score."""
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    return max(complete, key=lambda trial: trial.value or 0.0, default=None)
