"""Where the figures come from: the runs, and the commands that make them again."""

import shlex
from typing import NamedTuple

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.evaluated_run import Run
from segexp.compare.verdict.run_scores import options_from_outside
from segexp.config.compose import config_dir
from segexp.config.grammar import quote
from segexp.run.folder import RunFolder


class RunSource(NamedTuple):
    """commit: of segexp, with the number of files that were changed since; empty if it was no checkout."""

    variant: str
    path: str
    seed: int
    score: float
    commit: str
    finished: str


class TrainingCommand(NamedTuple):
    """command: how one run of a variant was started; empty if its folder does not tell. seeds: of all of its runs."""

    variant: str
    command: str
    seeds: list[int]


def baseline_run(comparison: Comparison) -> Run:
    """The first run of the baseline, whose images and classes are those of every run."""
    return next(iter(comparison.variants[comparison.rows[0].name].values()))


def run_sources(comparison: Comparison) -> list[RunSource]:
    """Every run of the comparison, by row and seed."""
    return [
        _source(row.name, comparison.variants[row.name][seed], score)
        for row in comparison.rows
        for seed, score in zip(row.seeds, row.scores, strict=True)
    ]


def training_commands(comparison: Comparison) -> list[TrainingCommand]:
    """The command of the run with the lowest seed of each variant."""
    commands = []
    for row in comparison.rows:
        overrides = RunFolder(comparison.variants[row.name][row.seeds[0]].path).environment.get("overrides")
        command = "" if overrides is None else shlex.join(["python", "-m", "segexp.train", *map(str, overrides)])
        commands.append(TrainingCommand(row.name, command, row.seeds))
    return commands


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
    return shlex.join(["python", "-m", "segexp.evaluate", *config_dir(), *overrides, "predictions=true"])


def _source(variant: str, run: Run, score: float) -> RunSource:
    folder = RunFolder(run.path)
    return RunSource(
        variant, str(run.path), run.seed, score, _commit(folder.environment.get("git")), folder.status().get("time", "")
    )


def _commit(git: object) -> str:
    if not isinstance(git, dict):
        return ""
    changed = len(git.get("changed_files", []))
    return f"{git.get('commit', '')[:10]}" + (f" + {changed} changed files" if changed else "")
