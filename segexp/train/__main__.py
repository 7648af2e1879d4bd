"""python -m segexp.train: one training, in one run folder."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from segexp.config.command_line import entry_point
from segexp.run.folder import RunFolder
from segexp.system import ranks, signals
from segexp.train.alone import alone_in
from segexp.train.resume import Request, plan
from segexp.types import Values


@entry_point("train")
def main(values: Values) -> None:
    signals.postpone()
    hydra = HydraConfig.get()
    choices = {group: option for group, option in hydra.runtime.choices.items() if not group.startswith("hydra/")}
    train(Path(hydra.runtime.output_dir), Request(values, choices, list(hydra.overrides.task)))


def train(folder: Path, request: Request) -> None:
    """Train in this folder what the request asks for: from the start, or from where the run there stopped."""
    resumed = request.values["resume"]
    run = RunFolder.open(resumed) if resumed is not None else RunFolder(folder.absolute())
    with alone_in(run):
        with _refusal_recorded(run):
            what = plan(run, request)
        from segexp.train.fit import execute  # loads Lightning, which takes seconds that no refusal need cost

        execute(run, what)


@contextmanager
def _refusal_recorded(run: RunFolder) -> Iterator[None]:
    """Keep what was wrong in the folder of a run that did not begin, for whoever looks through a sweep."""
    try:
        yield
    except ValueError:
        if ranks.rank() == 0 and not run.is_started():
            with suppress(OSError), run.renew():  # the disk may be full
                raise
        raise


if __name__ == "__main__":
    main()
