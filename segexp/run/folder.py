"""The run folder: write it, read it back, name what is missing. It needs neither torch nor the code of the run."""

import difflib
import json
import os
import socket
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from segexp.run.earlier import evaluation_in_words_of_today, in_words_of_today
from segexp.system import remote, stuck
from segexp.system.files import from_here, write_atomic
from segexp.system.signals import TERMINATED
from segexp.types import Values, Weights

RENEWED = ("config.yaml", "environment.json", "metrics.jsonl", "status.json", "train.log")
"""The files of a run without a checkpoint that a new run in its folder removes."""
OWNER = ".owner"
"""The file beside the lock that says who has it; the lock's own is emptied by everyone who tries it."""
METADATA = ("config.yaml", "environment.json", "status.json", "metrics.jsonl", "evaluation/*/metrics.json")
"""The files of a run folder beside its weights, as patterns."""


class Git(BaseModel):
    """The checkout that a run was started from, in environment.json."""

    commit: str = ""
    changed_files: list[str] = []


class Environment(BaseModel):
    """The keys of environment.json that are read again, where they are there."""

    choices: dict[str, str | None] = {}
    config_folders: list[str] = []
    data: dict[str, str] = {}
    git: Git | None = None
    overrides: list[str] = []
    packages: dict[str, str | None] = {}
    resumes: list[list[str]] = []
    without_effect: list[str] = []


@dataclass(frozen=True)
class RunFolder:
    """One training on disk: config.yaml, environment.json, status.json, metrics.jsonl, checkpoints/, evaluation/."""

    path: Path

    @classmethod
    def open(cls, path: str | Path, key: str = "run") -> "RunFolder":
        """The existing run in this folder. Raises FileNotFoundError naming what of it is missing.

        key: of the command, under which the path was typed.
        """
        run = cls(Path(path).expanduser().absolute())
        if not run.path.is_dir():
            close = difflib.get_close_matches(run.path.name, _runs_in(run.path.parent), n=1)
            hint = f"did you mean {key}={from_here(run.path.with_name(close[0]))}? " if close else ""
            raise FileNotFoundError(f"no run folder {run.path}; {hint}train one first, or correct {key}=")
        if not (run.path / "config.yaml").is_file():
            raise FileNotFoundError(
                f"{run.path} is not a run folder: it has no config.yaml; set {key}= to a folder that has"
            )
        return run

    @classmethod
    def fetch(cls, place: str, checkpoint: str, key: str = "run") -> "RunFolder":
        """A run to be read only: a local folder, or the URL of one, of which a copy is made here first.

        checkpoint: the one checkpoint that is copied. key: see `open`.
        """
        if remote.is_url(place):
            return cls.open(remote.copy_folder(place, (*METADATA, f"checkpoints/{checkpoint}.ckpt")), key)
        return cls.open(place, key)

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def pictures(self) -> Path:
        return self.path / "pictures"

    @property
    def config(self) -> Values:
        """The resolved configuration of the training; keys of earlier versions have their names of today."""
        return in_words_of_today(self._read("config.yaml", _load_yaml))

    @property
    def environment(self) -> Values:
        """What the training ran on: command, git, packages, hardware, data fingerprints, chosen options."""
        return self._read("environment.json", _load_environment)

    def status(self) -> Values:
        """The state (none, running, finished, preempted, or failed with reason and traceback), and since when.

        A finished run says by `ended` why its training ended, and by `trained_share` how much of the planned steps it
        had trained, in [0, 1], None without a plan; runs of earlier versions do not.
        """
        if not (self.path / "status.json").is_file():
            return {"state": "none"}
        return self._read("status.json", json.loads, "repeat its training's command with on_existing=resume")

    def is_started(self) -> bool:
        """Whether a training began here: its configuration was recorded, the last of what a start writes."""
        return (self.path / "config.yaml").is_file()

    def state(self) -> str:
        """The state of `status`; "unknown" where status.json cannot be read, which counts as interrupted."""
        return self._known_status().get("state", "unknown")

    def history(self) -> list[Values]:
        """The rows of metrics.jsonl by step. Steps trained again after a kill count once; damaged rows are left out."""
        path = self.path / "metrics.jsonl"
        rows: list[Values] = []
        for line in path.read_text(errors="replace").splitlines() if path.is_file() else []:
            with suppress(json.JSONDecodeError):
                row = json.loads(line)
                if isinstance(row, dict) and isinstance(row.get("step"), int | float):
                    _add(rows, row)
        return rows

    def evaluation(self, split: str) -> Path:
        return self.path / "evaluation" / split

    def scores(self, split: str) -> Values:
        """The metrics.json of an evaluation: what was evaluated, and every score under `metrics`, None for NaN."""
        return self._read(f"evaluation/{split}/metrics.json", _load_scores, "evaluate again")

    def own_scores(self, split: str, step: int, weights: Weights | None) -> Values | None:
        """The same as `scores`; None if they are of other weights, or of other classes than the run's.

        step, weights: those of a `TrainedNetwork`.
        """
        scores = self._read(f"evaluation/{split}/metrics.json", json.loads, "evaluate again")
        is_own = scores.get("step") == step and scores.get("regrouped_from") is None
        is_own &= (scores.get("weights") == "raw") == (weights == "raw")  # recorded where it is not the default
        return scores if is_own and isinstance(scores.get("metrics"), dict) else None

    def checkpoint(self, name: str) -> Path:
        """The path of a checkpoint, such as best or last. Raises FileNotFoundError naming those that exist."""
        there = sorted(entry.stem for entry in self.checkpoints.glob("*.ckpt"))
        if name not in there:
            raise FileNotFoundError(
                f"{self.path} has no checkpoint {name!r} (its training is {self.state()}); there is {there or 'none'}"
            )
        return self.checkpoints / f"{name}.ckpt"

    def write_config(self, config: Mapping[str, Any]) -> None:
        text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
        write_atomic(self.path / "config.yaml", text, durable=True)

    def write_environment(self, environment: Mapping[str, Any]) -> None:
        write_atomic(self.path / "environment.json", json.dumps(environment, indent=2), durable=True)

    def write_status(self, state: str, **facts: Any) -> None:
        facts = {"state": state, "time": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
        write_atomic(self.path / "status.json", json.dumps(facts, indent=2), durable=True)

    def record_end(self, reason: str, share: float | None) -> None:
        """Add to the status why the training ended, and which share of the planned steps it had trained, 0..1."""
        known = self.status()
        self.write_status(known.pop("state"), **{**known, "ended": reason, "trained_share": share})

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Lock this folder for a new run, and keep its status true while the body runs; see `lock` and `renew`."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self.lock(), self.renew():
            yield

    @contextmanager
    def renew(self) -> Iterator[None]:
        """Make this folder a new run's, and keep its status true while the body runs. The folder must be locked.

        The files of a run that never came to a checkpoint are removed. Raises FileExistsError where there is more.
        """
        self.refuse_existing()
        for name in RENEWED:
            (self.path / name).unlink(missing_ok=True)
        with self.record_status():
            yield

    def refuse_existing(self) -> None:
        """Raise FileExistsError where a new run would overwrite one that came to a checkpoint, or something else."""
        if self.state() == "finished" or any(self.checkpoints.glob("*.ckpt")):
            raise FileExistsError(
                f"{self.path} already holds a run ({self.state()}), which is never overwritten; "
                f"continue it with resume={self.path}, or choose another hydra.run.dir"
            )
        there = [name for name in RENEWED if (self.path / name).exists()]
        if there and "status.json" not in there:  # which every run writes first
            raise FileExistsError(
                f"{self.path} has {', '.join(there)}, but no status.json, so it is not a run; nothing is "
                "overwritten: choose another hydra.run.dir, or move it away"
            )

    @contextmanager
    def lock(self, wait_seconds: float = 0) -> Iterator[None]:
        """Keep other trainings out of this folder; the lock ends with the process, however that ends.

        wait_seconds: how long to wait for the end of another one. Raises FileExistsError if it goes on, OSError if the
        folder cannot be written to.
        """
        lock = FileLock(self.path / ".lock", timeout=wait_seconds)
        try:
            lock.acquire()
        except Timeout:
            raise FileExistsError(
                f"{self.path} is being trained by {self.owner()}; wait for its end or choose another folder"
            ) from None
        except OSError as error:
            raise OSError(
                f"cannot write to {self.path}: {error.strerror or error}; make it writable, or copy it to where you "
                "may write and name that folder"
            ) from error
        try:
            with self._owner_known():
                yield
        finally:
            lock.release()

    @contextmanager
    def _owner_known(self) -> Iterator[None]:
        """Note who has the lock, for those that wait; status.json says it only once everything is built."""
        note = self.path / OWNER
        with suppress(OSError):
            write_atomic(note, f"process {os.getpid()} on {socket.gethostname()}")
        try:
            yield
        finally:
            with suppress(OSError):
                note.unlink()

    def owner(self) -> str:
        """The process that has the lock, in words, where it could note itself."""
        try:
            return (self.path / OWNER).read_text()
        except OSError:
            return "another process"

    @contextmanager
    def record_status(self) -> Iterator[None]:
        """Keep status.json true while the body runs: running, then finished, preempted, or failed and why.

        The status counts the seconds of this attempt and of earlier ones, but not of those that were killed.
        """
        before, started = self._known_status().get("seconds", 0.0), time.monotonic()

        def record(end: stuck.ForcedEnd) -> None:
            seconds = before + time.monotonic() - started
            self.write_status("preempted", seconds=seconds, reason=end.reason, traceback=end.traceback)

        self.write_status("running", process=os.getpid(), host=socket.gethostname(), seconds=before)
        try:
            with stuck.last_words(record):
                yield
        except BaseException as error:
            terminated = isinstance(error, SystemExit) and error.code == TERMINATED
            facts = {"reason": _reason(error), "traceback": traceback.format_exc()}
            with suppress(OSError):  # a full disk must not hide the reason
                seconds = before + time.monotonic() - started
                self.write_status("preempted" if terminated else "failed", seconds=seconds, **facts)
            raise
        known = self._known_status()
        end = {key: known[key] for key in ("ended", "trained_share") if key in known}
        self.write_status("finished", seconds=before + time.monotonic() - started, **end)

    def _known_status(self) -> Values:
        try:
            return self.status()
        except ValueError:
            return {}

    def _read(self, name: str, parse: Callable[[str], Any], cure: str = "train again") -> Values:
        try:
            content = parse((self.path / name).read_text())
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ValueError(f"{self.path / name} cannot be read ({error}); restore it, or {cure}") from error
        if not isinstance(content, dict):
            raise ValueError(f"{self.path / name} is damaged: it has no keys; restore it, or {cure}")
        return content


def _load_yaml(text: str) -> Any:
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # in C ten times as fast, where PyYAML has it


def _runs_in(folder: Path) -> list[str]:
    """The names of the runs in a folder; none if it cannot be looked into."""
    try:
        return [entry.name for entry in folder.iterdir() if (entry / "config.yaml").is_file()]
    except OSError:
        return []


def _load_environment(text: str) -> Any:
    environment = json.loads(text)
    if isinstance(environment, dict):
        try:
            Environment.model_validate(environment, strict=True)
        except ValidationError as error:
            wrong = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, wrong['loc']))} is {wrong['input']!r}") from None
    return environment


def _load_scores(text: str) -> Any:
    evaluation = json.loads(text)
    metrics = evaluation.get("metrics", {}) if isinstance(evaluation, dict) else {}
    if not isinstance(metrics, dict) or not all(isinstance(each, int | float | None) for each in metrics.values()):
        raise ValueError(f"metrics is {str(metrics)[:200]}, not a number for each score")
    return evaluation_in_words_of_today(evaluation) if isinstance(evaluation, dict) else evaluation


def _add(rows: list[Values], row: Values) -> None:
    """Append a row in place of what an earlier attempt logged after its step, or at its step under one of its names."""
    while rows and rows[-1]["step"] > row["step"]:
        rows.pop()
    first = len(rows)
    while first and rows[first - 1]["step"] == row["step"]:
        first -= 1
    rows[first:] = [*(earlier for earlier in rows[first:] if _metrics(earlier).isdisjoint(_metrics(row))), row]


def _metrics(row: Values) -> set[str]:
    return set(row) - {"step", "epoch"}


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "terminated" if getattr(error, "code", None) == TERMINATED else "interrupted"
    return f"{type(error).__name__}: {error}"
