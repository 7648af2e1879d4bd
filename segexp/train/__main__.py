"""python -m segexp.train: one training, in one run folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from segexp.config.command_line import entry_point
from segexp.config.compose import chosen_options
from segexp.config.schema import Folder, checked
from segexp.run.folder import RunFolder
from segexp.system import ranks, signals
from segexp.system.loading import loading
from segexp.train.alone import alone_in
from segexp.train.plan import Request, plan
from segexp.types import Values


@entry_point("train")
def main(values: Values) -> None:
    signals.postpone()
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    is_named = any(each.startswith("hydra.run.dir=") for each in hydra.overrides.hydra)
    with nullcontext() if is_named or values["resume"] else _removed_if_not_begun(RunFolder(folder)):
        train(folder, Request(values, chosen_options(values), list(hydra.overrides.task)))


def train(folder: Path, request: Request) -> None:
    """Do what the request asks for: train in this folder, or go on in the one that resume= names."""
    resumed = checked(Folder | None, "resume", request.values["resume"])
    run = RunFolder(folder.absolute()) if resumed is None else RunFolder.open(resumed, key="resume")
    with alone_in(run):
        with _refusal_recorded(run):
            decision = plan(run, request)
            from segexp.train.parts import check_parts  # loads NumPy

            check_parts(decision)
        with loading():
            from segexp.train.fit import execute  # loads Lightning, which takes seconds that a refusal need not cost

        execute(run, decision)


@contextmanager
def _removed_if_not_begun(run: RunFolder) -> Iterator[None]:
    """Remove the folder of a run that an error ended before it recorded anything, as nobody chose the folder's name."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        if ranks.rank() == 0 and {file.name for file in run.path.glob("*")} <= {".lock", "status.json"}:
            shutil.rmtree(run.path, ignore_errors=True)
        raise


@contextmanager
def _refusal_recorded(run: RunFolder) -> Iterator[None]:
    """Record in the folder of a run that did not begin why it was refused, for whoever looks through a sweep."""
    try:
        yield
    except (ValueError, OSError):
        if ranks.rank() == 0 and not run.is_started():
            with suppress(OSError), run.renew():
                raise  # for renew to record it, if the folder can be used
        raise


if __name__ == "__main__":
    main()
