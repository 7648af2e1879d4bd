"""--help lists every group, option and key, with what the YAML files say of them."""

from pathlib import Path

import pytest
import yaml

from segexp.config.compose import config_folder
from segexp.config.usage import WIDTH, usage

pytestmark = pytest.mark.fast
ENTRIES = sorted(path.stem for path in config_folder().glob("*.yaml"))


def groups_of(entry: str) -> dict[str, str | None]:
    defaults = yaml.safe_load((config_folder() / f"{entry}.yaml").read_text())["defaults"]
    listed = {group: option for each in defaults if each != "_self_" for group, option in each.items()}
    return {group: option for group, option in listed.items() if not group.startswith("override")}


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_group_option_and_key_is_there(entry: str) -> None:
    text = usage(entry, [], None)
    assert text.startswith(f"python -m segexp.{entry} ")
    for group in groups_of(entry):
        assert group in text
        for option in (config_folder() / group).glob("*.yaml"):
            assert option.stem in text
    values = yaml.safe_load((config_folder() / f"{entry}.yaml").read_text())
    assert all(f"\n{key}:" in text for key in values if key not in ("defaults", "hydra"))


def test_the_default_is_marked_and_every_option_has_its_line() -> None:
    text = usage("train", [], None)
    lines = text.partition("\nkeys, with")[0].splitlines()
    for group, default in groups_of("train").items():
        start = next(number for number, line in enumerate(lines) if line.split(";")[0] == group)
        for file in sorted((config_folder() / group).glob("*.yaml")):
            start += 1
            mark, *words = lines[start].partition(file.stem)
            assert mark.strip() == ("*" if file.stem == default else "")
            assert len(words[-1].split()) > 2
            assert len(lines[start]) <= WIDTH
    assert text.index("classes=cityscapes19\n") > text.index("logger=wandb\n")  # the colours come last


@pytest.mark.parametrize(("typed", "key"), [("model=unet", "encoder: resnet34"), ("loss=focal", "gamma: ")])
def test_a_typed_option_shows_its_keys(typed: str, key: str) -> None:
    assert key not in usage("train", [], None)
    assert f"\n{typed}\n" in usage("train", [typed, "--help"], None)
    assert key in usage("train", [typed, "--help"], None)


def test_options_of_the_users_folder_are_listed(tmp_path: Path) -> None:
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss/mine.yaml").write_text("# A loss of my own.\n_target_: mine.Loss\nwidth: 3   # of something\n")
    text = usage("train", ["loss=mine"], str(tmp_path))
    assert "mine                    A loss of my own." in text
    assert "loss=mine\n  width: 3   # of something" in text
