"""Where the figures come from: the runs, and the commands that make them again."""

import shlex
from typing import NamedTuple

from segexp.compare.verdict.comparison import Comparison
from segexp.compare.verdict.evaluated import Run
from segexp.config.grammar import quote
from segexp.run.folder import RunFolder


class RunUsed(NamedTuple):
    """commit: of segexp, with the number of files that were changed since; empty if it was no checkout."""

    variant: str
    path: str
    seed: int
    miou: float
    commit: str
    finished: str


class Command(NamedTuple):
    """How one run of a variant was started, and the seeds of all of them; empty if its folder does not tell."""

    variant: str
    command: str
    seeds: list[int]


def first_run(comparison: Comparison) -> Run:
    """Of the baseline: images and classes are the same for all."""
    return next(iter(comparison.variants[comparison.rows[0].name].values()))


def runs(comparison: Comparison) -> list[RunUsed]:
    """Every run that took part, by row and seed."""
    return [
        _used(row.name, comparison.variants[row.name][seed], miou)
        for row in comparison.rows
        for seed, miou in zip(row.seeds, row.miou, strict=True)
    ]


def commands(comparison: Comparison) -> list[Command]:
    """One for each variant, of its lowest seed."""
    found = []
    for row in comparison.rows:
        overrides = RunFolder(comparison.variants[row.name][row.seeds[0]].path).environment.get("overrides")
        typed = "" if overrides is None else shlex.join(["python", "-m", "segexp.train", *map(str, overrides)])
        found.append(Command(row.name, typed, row.seeds))
    return found


def picture_command(comparison: Comparison) -> str:
    """The evaluation that keeps what pictures are made of, as it was made before, for the first run.

    Empty for one that was regrouped, which has no predictions of its own.
    """
    run = first_run(comparison)
    if run.facts.get("regrouped_from") is not None:
        return ""
    split = run.facts.get("split", comparison.split)
    texts = {"run": str(run.path), "split": split, "checkpoint": run.facts.get("checkpoint", "best")}
    texts |= {"name": comparison.split} if comparison.split != split else {}
    data = run.facts.get("data", {})
    texts |= {"data.root": data["root"]} if "root" in data else {}
    values = {f"+data.{key}": value for key, value in data.items() if key != "root"}
    values |= {key: run.facts[key] for key in ("boundary_width",) if key in run.facts}
    values |= run.facts.get("inference", {})
    typed = [f"{key}={quote(value)}" for key, value in texts.items()]
    typed += [f"{key}={str(value).replace(' ', '')}" for key, value in values.items()]
    return shlex.join(["python", "-m", "segexp.evaluate", *typed, "predictions=true"])


def _used(variant: str, run: Run, miou: float) -> RunUsed:
    folder = RunFolder(run.path)
    return RunUsed(
        variant, str(run.path), run.seed, miou, _commit(folder.environment.get("git")), folder.status().get("time", "")
    )


def _commit(git: object) -> str:
    if not isinstance(git, dict):
        return ""
    changed = len(git.get("changed_files", []))
    return f"{git.get('commit', '')[:10]}" + (f" + {changed} changed files" if changed else "")
