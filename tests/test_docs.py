"""Every command of README and docs/ has keys, options and values that its configuration takes."""

import re
import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from segexp.config.compose import config_folder, load
from segexp.serve.__main__ import without_data
from segexp.tune.__main__ import with_train

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"python -m segexp\.(?P<name>\w+)(?P<arguments>[^\n`;|&>]*)")
FOR_HYDRA = {"tune": with_train, "serve": without_data}
"""Entries whose arguments are put into Hydra's words first."""
LEFT_OUT = {"...", "-m", "--help"}
"""Arguments that are no override, and what stands for "whatever else you give"."""


def commands(page: Path) -> list[tuple[str, list[str]]]:
    """Name and arguments of each, with the shell's comments, quotes and variables taken away."""
    text = page.read_text().replace("\\\n", " ")
    return [
        (found["name"], shlex.split(found["arguments"].replace("$", ""), comments=True))
        for found in COMMAND.finditer(text)
    ]


def first_job(override: Override) -> str:
    """Of a sweep over values the first, as a single run takes it."""
    if not override.is_sweep_override():
        return str(override.input_line)
    value = next(iter(override.sweep_string_iterator()))
    return f"{override.get_key_element()}={value}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_the_docs_compose(page: Path) -> None:
    for name, arguments in commands(page):
        if not (config_folder() / f"{name}.yaml").exists():
            assert (ROOT / "segexp" / name).is_dir(), f"segexp.{name} has neither conf/{name}.yaml nor a room"
            continue
        if "--config-dir" in arguments:  # options of the reader's own
            continue
        typed = [each for each in FOR_HYDRA.get(name, list)(arguments) if each not in LEFT_OUT]
        overrides = OverridesParser.create().parse_overrides(typed)
        load(name, [first_job(each) for each in overrides], folders=[])


def test_the_table_of_the_readme_has_every_group_and_option() -> None:
    """Of callbacks, those that default and finetune are made of are for docs/extending.md."""
    rows = [line.split("|") for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")]
    shown = {name.lstrip("+"): row[2] for row in rows for name in re.findall(r"`(.+?)`", row[1])}
    groups = [folder for folder in config_folder().iterdir() if folder.is_dir() and folder.name != "hydra"]
    missing = [folder.name for folder in groups if folder.name not in shown]
    assert missing == []
    options = [(folder.name, file.stem) for folder in groups for file in folder.glob("*.yaml")]
    picked = [(group, option) for group, option in options if group != "callbacks"]
    assert [pair for pair in picked if f"`{pair[1]}`" not in shown[pair[0]]] == []


def test_the_docs_have_commands_of_every_entry() -> None:
    named = {name for page in PAGES for name, _ in commands(page)}
    assert {file.stem for file in config_folder().glob("*.yaml")} <= named
