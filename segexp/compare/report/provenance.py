"""Where the figures come from: the runs, and the commands that make them again."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from segexp.compare.report.relative import common_folder
from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.run_scores import options_from_outside
from segexp.config.compose import config_dir
from segexp.config.grammar import quote
from segexp.run.folder import RunFolder


class RunSource(NamedTuple):
    """folder: below that of `RunSources`."""

    variant: str
    folder: str
    seed: int
    score: float


class RunSources(NamedTuple):
    """folder: that all runs lie in. commits: of segexp, each with the number of files that were changed since."""

    folder: Path
    runs: list[RunSource]
    commits: list[str]


class TrainingCommand(NamedTuple):
    """command: as it was typed; empty if no folder tells. variants: that it trained. seeds: of all of their runs.

    is_sweep: whether the command trained them all.
    """

    command: str
    variants: list[str]
    seeds: list[int]
    is_sweep: bool


def baseline_run(comparison: Comparison) -> Run:
    """The first run of the baseline, whose images and classes are those of every run."""
    return next(iter(comparison.variants[comparison.rows[0].name].values()))


def run_sources(comparison: Comparison) -> RunSources:
    """Every run of the comparison, by row and seed."""
    members = [
        (row.name, comparison.variants[row.name][seed], score)
        for row in comparison.rows
        for seed, score in zip(row.seeds, row.scores, strict=True)
    ]
    folder = common_folder(run.path for _, run, _ in members)
    runs = [RunSource(name, str(run.path.relative_to(folder)), run.seed, score) for name, run, score in members]
    commits = dict.fromkeys(_commit(RunFolder(run.path).environment.get("git")) for _, run, _ in members)
    return RunSources(folder, runs, [commit for commit in commits if commit])


def training_commands(comparison: Comparison) -> list[TrainingCommand]:
    """The command of each sweep, and for all other variants that of their run with the lowest seed."""
    commands: dict[str, TrainingCommand] = {}
    for row in comparison.rows:
        path = comparison.variants[row.name][row.seeds[0]].path
        of_sweep = _sweep_command(path)
        new = TrainingCommand(of_sweep or _single_command(path), [row.name], row.seeds, bool(of_sweep))
        known = commands.get(of_sweep)
        key = of_sweep or row.name
        commands[key] = _together(known, new) if known else new
    return list(commands.values())


def _together(one: TrainingCommand, other: TrainingCommand) -> TrainingCommand:
    return one._replace(variants=one.variants + other.variants, seeds=sorted({*one.seeds, *other.seeds}))


def _sweep_command(run: Path) -> str:
    """What was typed to start the sweep that the run is a job of; empty if it is none."""
    file = run.parent / "sweep.yaml"
    if not file.is_file():
        return ""
    recorded = yaml.safe_load(file.read_text())
    return str(recorded.get("command", "")) if run.name in recorded.get("jobs", {}) else ""


def _single_command(run: Path) -> str:
    environment = RunFolder(run).environment
    overrides = environment.get("overrides")
    return "" if overrides is None else _command("train", _typed(environment.get("command", []), overrides))


def _typed(command: Sequence[str], overrides: Sequence[str]) -> Sequence[str]:
    """All that was typed, with options of Hydra among it; of runs that do not tell, or jobs, the overrides."""
    words = command[2:]  # behind the interpreter and the module
    is_typed = {*overrides} <= {*words} and "hydra.mode=RUN" not in words
    return words if is_typed else overrides


def _command(name: str, arguments: Sequence[str]) -> str:
    return shlex.join(["python", "-m", f"segexp.{name}", *map(str, arguments)])


def picture_command(comparison: Comparison) -> str:
    """The command that repeats the evaluation of `baseline_run` and keeps its predictions.

    Empty for a regrouped evaluation, which has no predictions of its own.
    """
    run = baseline_run(comparison)
    if run.facts.get("regrouped_from") is not None:
        return ""
    split = run.facts.get("split", comparison.split)
    texts = {"run": str(run.path), "split": split, "checkpoint": run.facts.get("checkpoint", "best")}
    texts |= {"name": comparison.split} if comparison.split != split else {}
    data = run.facts.get("data", {})
    texts |= {"data.root": data["root"]} if "root" in data else {}
    options = options_from_outside(run.scorer.settings)
    values = {f"+data.{key}": value for key, value in data.items() if key != "root"}
    values |= {"metric": f"[default,{','.join(options)}]"} if options else {}
    values |= {
        f"metric.{name}.{key}": value
        for name, settings in run.scorer.settings.items()
        for key, value in settings.items()
    }
    values |= run.facts.get("inference", {})
    values |= {key: run.facts[key] for key in ("precision", "memory_format") if key in run.facts}
    overrides = [f"{key}={quote(value)}" for key, value in texts.items()]
    overrides += [f"{key}={str(value).replace(' ', '')}" for key, value in values.items()]
    return _command("evaluate", [*config_dir(), *overrides, "predictions=true"])


def _commit(git: object) -> str:
    if not isinstance(git, dict):
        return ""
    changed = len(git.get("changed_files", []))
    return f"{git.get('commit', '')[:10]}" + (f" + {changed} changed files" if changed else "")
