"""A study in a folder that any number of processes share: which process runs which trial, and how each trial ended.

FOLDER/journal.log is Optuna's, FOLDER/study.yaml holds what all trials have in common, FOLDER/trials/NUMBER is a run
folder.
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
from segexp.system.files import write_atomic

REPEATED = "lost"
"""Attribute of a trial that was stopped and whose values a later trial repeats."""
REASON = "reason"
"""Attribute that says why a trial failed."""
FINAL_STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class Study:
    """An Optuna study, and the run folders of its trials.

    facts: train, space and metric, which must be the same whenever the study goes on. sampler, pruner: Optuna's.
    Raises ValueError if the folder holds a study with other facts.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], sampler: Any, pruner: Any) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.folder = folder
        self.name = folder.name
        self.metric: str = facts["metric"]
        self.journal = folder / "journal.log"
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock():
            self._require_same(facts)
            _remove_torn_line(self.journal)
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

    def trials_that_count(self) -> list[FrozenTrial]:
        """All trials except those that a later trial repeats."""
        return [trial for trial in self.trials() if not trial.user_attrs.get(REPEATED)]

    def orphans(self) -> list[int]:
        """Numbers of the trials that still train although the process that began them is gone."""
        running = [trial for trial in self.trials() if trial.state is TrialState.RUNNING]
        return [trial.number for trial in running if self._has_no_owner(trial.number) and self._trains(trial.number)]

    @contextmanager
    def next_trial(self, space: Mapping[str, BaseDistribution], num_trials: int) -> Iterator[FrozenTrial | None]:
        """A new trial that this process owns while the body runs; None if num_trials have begun already."""
        with self._lock():
            self._settle_orphans()
            begun = [trial for trial in self.trials_that_count() if trial.state is not TrialState.WAITING]
            number = self.optuna.ask(dict(space)).number if len(begun) < num_trials else None
            owner_lock = None if number is None else self._owner_lock(number)
            if owner_lock is not None:
                owner_lock.acquire(timeout=0)
        try:
            yield None if number is None else self.trials()[number]
        finally:
            if owner_lock is not None:
                owner_lock.release()

    def conclude(self, number: int) -> None:
        """Record the result of a training that has ended: its best score, that it was pruned, or why it failed."""
        run = self.run(number)
        scores = [row[self.metric] for row in run.history() if self.metric in row]
        if run.state() == "finished" and scores:
            if PRUNED in self.trials()[number].user_attrs:
                self.optuna.tell(number, state=TrialState.PRUNED)
            else:
                self.optuna.tell(number, max(scores))
            return
        reasons = {"finished": f"no epoch has {self.metric}", "running": "it was killed"}
        reason = run.status().get("reason") or reasons.get(run.state(), run.state())
        self._trial(number).set_user_attr(REASON, reason)
        self.optuna.tell(number, state=TrialState.FAIL)

    def requeue(self, number: int) -> None:
        """Let a trial that was stopped from outside be run again, as a new one with the same values."""
        trial = self._trial(number)
        trial.set_user_attr(REPEATED, True)
        self.optuna.tell(number, state=TrialState.FAIL)
        self.optuna.enqueue_trial(trial.params, user_attrs={"again": number})

    def _settle_orphans(self) -> None:
        """Conclude the trials without an owner whose training finished, and requeue those whose training stopped."""
        for trial in self.trials():
            if trial.state is not TrialState.RUNNING or not self._has_no_owner(trial.number):
                continue
            if self.run(trial.number).state() == "finished":
                self.conclude(trial.number)
            elif not self._trains(trial.number):
                self.requeue(trial.number)

    def _trial(self, number: int) -> optuna.Trial:
        return optuna.Trial(self.optuna, self.trials()[number]._trial_id)

    def _has_no_owner(self, number: int) -> bool:
        with suppress(Timeout), self._owner_lock(number).acquire(timeout=0):
            return True
        return False

    def _trains(self, number: int) -> bool:
        run = self.run(number)
        try:
            with run.lock():
                return False
        except FileExistsError:
            return True

    def _owner_lock(self, number: int) -> FileLock:
        run = self.run(number)
        run.path.mkdir(parents=True, exist_ok=True)
        return FileLock(run.path / ".trial.lock")

    def _lock(self) -> FileLock:
        return FileLock(self.folder / ".lock")

    def _require_same(self, facts: Mapping[str, Any]) -> None:
        file = self.folder / "study.yaml"
        if not file.is_file():
            write_atomic(file, yaml.safe_dump(dict(facts), sort_keys=False))
            return
        before = _read_facts(file)
        changed = [key for key in facts if before.get(key) != facts[key]]
        if changed:
            raise ValueError(
                f"{file} has other values: {', '.join(f'{key} was {before.get(key)}' for key in changed)}; trials of "
                "one study must be comparable: give the same values, or another study="
            )


def _read_facts(file: Path) -> Mapping[str, Any]:
    try:
        facts = yaml.safe_load(file.read_text())
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        facts = f"not YAML ({error})"
    if not isinstance(facts, Mapping):
        raise ValueError(
            f"{file} is {'empty' if facts is None else facts}; allowed: train, space and metric of the study; "
            "restore the file, or give another study="
        )
    return facts


def _remove_torn_line(journal: Path) -> None:
    """Remove half a line that a full disk or a power cut left at the end: Optuna would refuse the whole journal."""
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


def best_trial(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The complete trial with the highest score; None if there is none."""
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    return max(complete, key=lambda trial: trial.value or 0.0, default=None)
