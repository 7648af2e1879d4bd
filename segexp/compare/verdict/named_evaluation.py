"""What a= and b= name: a run folder, or one of its evaluations."""

from pathlib import Path

from segexp.compare.verdict.evaluated_run import Run, read_run


def names_evaluation(typed: str | Path) -> bool:
    """Whether the path is RUN/evaluation/NAME, and not a run folder."""
    path = _absolute(typed)
    return path.parent.name == "evaluation" and not (path / "config.yaml").is_file()


def read_named(key: str, typed: str | Path, split: str) -> Run:
    """Read the evaluation that a path names, or of a run folder the evaluation `split`.

    key: of the command, under which the path was typed. Raises FileNotFoundError if the run has no such evaluation,
    ValueError where it cannot be compared.
    """
    folder = _absolute(typed)
    if names_evaluation(typed):
        folder, split = folder.parent.parent, folder.name
        _refuse_missing(key, typed, folder, split)
    run = read_run(folder, split)
    if isinstance(run, str):
        raise ValueError(f"{key}={typed} cannot be compared; {run}")
    return run


def _refuse_missing(key: str, typed: str | Path, run: Path, name: str) -> None:
    there = sorted(path.parent.name for path in run.glob("evaluation/*/confusion.npz"))
    if name not in there:
        raise FileNotFoundError(
            f"{key}={typed}: no such evaluation; evaluations of {run}: {', '.join(there) or 'none'}; "
            f"choose one, or make it: python -m segexp.evaluate run={run} name={name}"
        )


def _absolute(typed: str | Path) -> Path:
    return Path(typed).expanduser().absolute()
