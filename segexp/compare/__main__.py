"""python -m segexp.compare: which variant is better, and is the difference real?"""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segexp.config.command_line import entry
from segexp.types import Values

if TYPE_CHECKING:
    from segexp.compare.verdict.comparison import Comparison

TEXTS = ("runs", "a", "b", "split", "baseline", "output", "wandb")


@entry("compare")
def main(values: Values) -> None:
    from hydra.core.hydra_config import HydraConfig

    values = _checked(values)
    typed = [each.lstrip("+").partition("=")[0] for each in HydraConfig.get().overrides.task]
    if values["runs"] is None and values["output"] is not None and "output" in typed:  # else it is the default
        raise ValueError("output= is for many runs, and of two nothing is written; leave it out")
    _tell(values)


def _tell(values: Mapping[str, Any]) -> None:
    from segexp.compare.verdict.pair import read_pair
    from segexp.compare.verdict.text.console import console, print_all
    from segexp.compare.verdict.text.pair import pair_parts
    from segexp.compare.verdict.text.parts import comparison_parts
    from segexp.compare.wandb.share import share

    terminal = console()
    if values["runs"] is None:
        print_all(terminal, pair_parts(read_pair(values["a"], values["b"], values["split"])))
        return
    found = _compared(values)
    folder = Path(values["output"]) if values["output"] else None
    if found:
        print_all(terminal, comparison_parts(found, terminal, values["by"]))
    if found and folder:
        from segexp.compare.report.report import write  # jinja2, matplotlib and polars take a third of a second

        for path in write(found, folder, shlex.join(["python", "-m", "segexp.compare", *sys.argv[1:]])):
            print(path)
    for line in share(found, str(values["runs"]), values["wandb"], values["dry_run"], values["sync"], folder):
        print(line, flush=True)


def _compared(values: Mapping[str, Any]) -> "Comparison | None":
    """None where no run can be compared, but those recorded offline are to be sent."""
    from segexp.compare.verdict.comparison import compare
    from segexp.compare.verdict.runs import read_runs

    try:
        found = read_runs(str(values["runs"]), values["split"])
    except ValueError as error:
        if not values["sync"]:
            raise
        print(error)
        return None
    return compare(found, values["split"], values["baseline"])


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, numbers as texts. Raises ValueError unless it is clear what to compare, and what W&B is to get."""
    texts = {key: values[key] for key in TEXTS if values[key] is not None}
    for key, value in texts.items():
        if isinstance(value, bool | list | dict):
            raise ValueError(f"{key} is {value!r}; needed is a text")
    for key in ("dry_run", "sync"):
        if not isinstance(values[key], bool):
            raise ValueError(f"{key} is {values[key]!r}; allowed: true, false")
    if values["split"] is None:
        raise ValueError("split is null; needed is the name of an evaluation, e.g. val")
    _refuse_contradictions(values)
    checked = {**values, **{key: str(value) for key, value in texts.items()}}
    from segexp.compare.wandb.share import project_of  # scipy comes with it

    project_of(checked["wandb"], checked["dry_run"], checked["sync"])
    return checked


def _refuse_contradictions(values: Mapping[str, Any]) -> None:
    runs, a, b, by = (values[key] for key in ("runs", "a", "b", "by"))
    if runs is None and a is None and b is None:
        raise ValueError("nothing to compare; add runs=FOLDER for many runs, or a=RUN b=RUN for two")
    if runs is not None and (a is not None or b is not None):
        raise ValueError("runs= compares many runs and a= b= two; leave out the one or the other")
    if runs is None and (a is None or b is None):
        raise ValueError(f"one run is no pair; add {'a' if a is None else 'b'}=RUN")
    if by not in (None, "epoch"):
        raise ValueError(f"by is {by!r}; by=epoch shows the ranking as it develops, by=null leaves it out")
    if by and runs is None:
        raise ValueError("by=epoch ranks many runs; add runs=FOLDER in place of a= and b=")
    if runs is None and values["baseline"] is not None:
        raise ValueError("baseline= is for many runs; of two, b is compared with a")
    if runs is None and (values["wandb"] or values["dry_run"] or values["sync"]):
        raise ValueError("wandb=, dry_run= and sync= are for many runs; add runs=FOLDER in place of a= and b=")


if __name__ == "__main__":
    main()
