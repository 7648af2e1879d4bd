"""Compose the configuration of a command from conf/ and its overrides."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.default_element import ResultDefault
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from segexp.config.facts import fact_text
from segexp.config.leftovers import without_leftovers
from segexp.config.values import plain_values
from segexp.system import ranks
from segexp.types import Values

OmegaConf.register_new_resolver(
    "run_folder", lambda resumed, new: "." if resumed else ranks.new_folder(new), replace=True
)
OmegaConf.register_new_resolver("new_folder", ranks.new_folder, replace=True)
OmegaConf.register_new_resolver("started", ranks.started, replace=True)
OmegaConf.register_new_resolver("fact", fact_text, replace=True)
OmegaConf.register_new_resolver(
    "in_epochs", lambda epochs, steps, other: other if _is_count(steps) else epochs, replace=True
)


def _is_count(steps: Any) -> bool:
    return type(steps) is int and steps > 0


def config_folder() -> Path:
    """The folder conf/: inside the package if it was installed as a wheel, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def user_folders() -> list[Path]:
    """The folders of further options: the one that the command named by --config-dir, if any."""
    sources = HydraConfig.get().runtime.config_sources if HydraConfig.initialized() else []
    return [Path(source.path) for source in sources if source.provider == "command-line"]


def config_dir() -> list[str]:
    """The words --config-dir FOLDER for a further command, if this command was given them."""
    return [word for folder in user_folders() for word in ("--config-dir", str(folder))]


def compose(entry: str, overrides: Sequence[str] = (), folders: Sequence[Path | str] | None = None) -> Values:
    """The configuration of `python -m segexp.<entry> <overrides>` as plain values, without running it.

    folders: further ones with options, as of --config-dir; None for those of the running command.
    Raises ValueError naming the keys that have no value yet.
    """
    return resolve(load(entry, overrides, folders), entry, overrides, folders)


def resolve(
    config: DictConfig, entry: str, overrides: Sequence[str], folders: Sequence[Path | str] | None = None
) -> Values:
    """The configuration that `load` made of a command as plain values, see `without_leftovers`.

    Raises ValueError where several options of a group are typed that builds one object.
    """
    values = plain_values(config)
    typed = OverridesParser.create().parse_overrides(list(overrides))
    options, others = [each for each in typed if is_option(each)], [each for each in typed if not is_option(each)]
    places = tuple(map(str, user_folders() if folders is None else folders))
    _refuse_several_options(values, options)
    return without_leftovers(values, options, others, lambda chosen: _plain_options(entry, tuple(chosen), places))


def _refuse_several_options(values: Values, options: Iterable[Override]) -> None:
    """Hydra would merge them into one: model=[pspnet,unet] a U-Net dilated as a PSPNet."""
    for option in options:
        group, chosen = option.key_or_group, option.value()
        if isinstance(chosen, list) and len(chosen) > 1 and "_target_" in (values.get(group) or {}):
            raise ValueError(
                f"{option.input_line}: {group} is one object; allowed: one option, such as {group}={chosen[0]}; a "
                f"sweep trains with each of them: python -m segexp.train -m {group}={','.join(map(str, chosen))}"
            )


@functools.cache
def _plain_options(entry: str, options: tuple[str, ...], folders: tuple[str, ...]) -> Values:
    """The configuration with these options alone, not resolved."""
    return cast(Values, OmegaConf.to_container(load(entry, options, folders)))


def load(entry: str, overrides: Sequence[str] = (), folders: Sequence[Path | str] | None = None) -> DictConfig:
    """The same configuration, not resolved; values may be missing."""
    places = [f"file://{Path(folder).absolute()}" for folder in (user_folders() if folders is None else folders)]
    paths = [QuotedString(place, Quote.single).with_quotes() for place in places]
    search = [f"hydra.searchpath=[{','.join(paths)}]"] if paths else []
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_folder()), version_base="1.3"):
            return hydra_compose(entry, overrides=[*search, *overrides])
    finally:
        GlobalHydra.instance().hydra = running


def is_option(override: Override) -> bool:
    """Whether an override chooses an option of a group, rather than a value."""
    return (config_folder() / override.key_or_group.split("@")[0]).is_dir()


def chosen_options(groups: Iterable[str]) -> dict[str, str | None]:
    """Config group -> option of the running command; of several options `[wandb,csv]`, as they are typed.

    groups: the groups that count. Hydra itself does not record a choice of several options.
    """
    chosen = HydraConfig.get().runtime.choices
    known = {group: option for group, option in chosen.items() if not group.startswith("hydra/")}
    several = {group for group in groups if group not in known and (config_folder() / group).is_dir()}
    return {**known, **(_several_options(several) if several else {})}


def _several_options(groups: Iterable[str]) -> dict[str, str]:
    """The options of these groups, from the defaults list that Hydra makes of the command; `[]` for none."""
    hydra, loader = HydraConfig.get(), cast(ConfigLoader, GlobalHydra.instance().config_loader())
    overrides = [*hydra.overrides.hydra, *hydra.overrides.task]
    parts: Sequence[ResultDefault] = loader.compute_defaults_list(
        hydra.job.config_name, overrides, RunMode.RUN
    ).defaults
    paths = [str(part.config_path) for part in parts if part.parent == hydra.job.config_name]
    options = {
        group: [path.removeprefix(f"{group}/") for path in paths if path.startswith(f"{group}/")] for group in groups
    }
    return {group: chosen[0] if len(chosen) == 1 else f"[{','.join(chosen)}]" for group, chosen in options.items()}


def option_values(group: str, option: str) -> Values:
    """The values that an option of segexp.train sets in its group; ??? stands for a value that the user must give."""
    return cast(dict[str, Any], OmegaConf.to_container(load("train", [f"{group}={option}"])[group], resolve=True))


def options_of_user() -> list[Path]:
    """The YAML files of the user's folder that are options: those in a group that conf/ has, and nothing else there."""
    groups = [path.relative_to(config_folder()) for path in config_folder().rglob("*") if path.is_dir()]
    return [file for folder in user_folders() for group in groups for file in (folder / group).glob("*.yaml")]
