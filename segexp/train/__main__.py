"""python -m segexp.train: one training, in one run folder."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from omegaconf import DictConfig

from segexp.config.command_line import entry
from segexp.config.values import plain_values
from segexp.run.folder import RunFolder
from segexp.system import signals
from segexp.train import preflight


@entry("train")
def main(config: DictConfig) -> None:
    signals.postpone()
    from hydra.core.hydra_config import HydraConfig

    hydra = HydraConfig.get()
    overrides = list(hydra.overrides.task)
    if config.resume:
        run = RunFolder.open(config.resume)  # loading Lightning takes seconds, which a typo need not cost
        from segexp.train.fit import resume

        return resume(run.path, overrides)
    folder = Path(hydra.runtime.output_dir)
    with _told_in(RunFolder(folder)):
        preflight.check_values(plain_values(config))
    from segexp.train.fit import start

    choices = {group: option for group, option in hydra.runtime.choices.items() if not group.startswith("hydra/")}
    start(config, folder, choices, overrides)


@contextmanager
def _told_in(run: RunFolder) -> Iterator[None]:
    """Keep what was wrong in the folder of a run that did not begin, for whoever looks through a sweep."""
    try:
        yield
    except ValueError:
        if not run.is_started():
            with suppress(OSError), run.claimed():  # another rank may be first to tell, or the disk be full
                raise
        raise


if __name__ == "__main__":
    main()
