"""The answer to --help: groups with their options, then every key with its comment, from the YAML files themselves."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from segexp.config.compose import config_folder

WIDTH = 120
LAST = "classes"
"""The group whose keys come last: the colours of all classes."""
HIDDEN = ("#", "_target_:")
"""How lines of an option begin that are no keys to type."""


def usage(name: str, typed: Sequence[str], folder: str | None) -> str:
    """The help of `python -m segexp.<name>`.

    typed: the words of the command; group=option there shows the keys of that option. folder: as of --config-dir.
    """
    text = (config_folder() / f"{name}.yaml").read_text()
    config = yaml.safe_load(text)
    listed = {group: option for each in config["defaults"] if each != "_self_" for group, option in each.items()}
    defaults = {group: option for group, option in listed.items() if not group.startswith("override hydra/")}
    keys = text.partition("defaults:")[2].partition("\n\n")[2].partition("\nhydra:")[0].strip("\n")
    if sum(option is not None for option in defaults.values()) <= 1:
        lines = [f"{group}=OPTION: {', '.join(_files(group, folder))}{_several(group)}" for group in defaults]
        return "\n\n".join([config["hydra"]["help"]["header"], *lines, keys])
    chosen = _chosen(defaults, typed)
    groups = sorted(defaults, key=lambda group: group == LAST)
    return "\n\n".join(
        [
            config["hydra"]["help"]["header"],
            "groups, the default option of each marked by *\nkeys of another option: --help GROUP=OPTION; the whole "
            "configuration of a command: --cfg job",
            *(_group(group, defaults[group], folder) for group in groups),
            f"keys, with their defaults\n\n{keys}",
            *(block for group in groups for block in _keys(group, chosen[group], folder)),
        ]
    )


def _group(group: str, default: str | None, folder: str | None) -> str:
    files = _files(group, folder)
    width = max(map(len, files))
    lines = [_line(f"{'*' if option == default else ' '} {option:{width}}", file) for option, file in files.items()]
    return "\n".join([f"{group}{_several(group)}", *lines])


def _line(start: str, file: Path) -> str:
    return f"{start}  {textwrap.shorten(_purpose(file), WIDTH - len(start) - 2, placeholder=' ...')}"


def _purpose(file: Path) -> str:
    """The first line of a YAML's comment."""
    comments = (line.lstrip("# ") for line in file.read_text().splitlines() if line.startswith("#"))
    return next((comment for comment in comments if not comment.startswith("@package")), "")


def _keys(group: str, options: Sequence[str], folder: str | None) -> list[str]:
    """A block for each option that has keys of its own: its YAML from the first of them on."""
    files = _files(group, folder)
    blocks = []
    for option in options:
        text = files[option].read_text() if option in files else ""
        lines = re.sub(r"^defaults:\n(  .*\n)*", "", text, flags=re.MULTILINE).splitlines()
        keys = [line for line in lines if line and not line.startswith(HIDDEN) and "${fact:" not in line]
        indented = textwrap.indent("\n".join(keys), "  ")
        blocks += [f"{group}={option}\n{indented}"] if keys and group != "experiment" else []
    return blocks


def _chosen(defaults: Mapping[str, str | None], typed: Sequence[str]) -> dict[str, list[str]]:
    """Group -> its options: as typed, or by default."""
    chosen = {group: [option] if option else [] for group, option in defaults.items()}
    for word in typed:
        group, is_choice, value = word.partition("=")
        if is_choice and group in defaults:
            chosen[group] = value.strip("[]").split(",")
    return chosen


def _several(group: str) -> str:
    """How several options are typed where each gives its parts names, and nothing where an option is one object."""
    files = (config_folder() / group).glob("*.yaml")
    is_one = any("_target_" in (yaml.safe_load(file.read_text()) or {}) for file in files)
    return "" if is_one or group == "experiment" else f"; several: {group}=[default,mine]"


def _files(group: str, folder: str | None) -> dict[str, Path]:
    """Option -> its file, those of the user's folder too."""
    places = [config_folder(), *([Path(folder)] if folder else [])]
    return {file.stem: file for place in places for file in sorted((place / group).glob("*.yaml"))}
