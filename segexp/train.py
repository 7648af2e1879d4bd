"""python -m segexp.train: one training, in one run folder."""

from pathlib import Path

from omegaconf import DictConfig

from segexp.entry import entry


@entry("train")
def main(config: DictConfig) -> None:
    from hydra.core.hydra_config import HydraConfig

    from segexp.fit import resume, start

    hydra = HydraConfig.get()
    if config.resume:
        resume(Path(config.resume), list(hydra.overrides.task))
    else:
        choices = {group: option for group, option in hydra.runtime.choices.items() if not group.startswith("hydra/")}
        start(config, Path(hydra.runtime.output_dir), choices, list(hydra.overrides.task))


if __name__ == "__main__":
    main()
