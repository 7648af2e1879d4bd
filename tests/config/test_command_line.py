"""What a command answers where Hydra alone would know no cure."""

import importlib
import json
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from segexp.config.command_line import entry_point, explain
from segexp.config.compose import chosen_options, compose, config_folder
from segexp.train import resume


@pytest.mark.parametrize("typed", [["--config-dir", "CONF"], ["--config-dir=CONF"], ["-cd", "CONF"]])
def test_a_mistyped_key_beside_options_of_ones_own_is_answered_as_any_other(typed: list[str], tmp_path: Path) -> None:
    (tmp_path / "my conf/model").mkdir(parents=True)
    (tmp_path / "my conf/model/mine.yaml").write_text("_target_: mine.network\nwidth: 4\n")
    mine = [word.replace("CONF", str(tmp_path / "my conf")) for word in typed]
    answer = explain("train", [*mine, "model=mine", "model.widht=3"])
    assert answer == "no key 'model.widht'; did you mean model.width? model has: _target_, width"


@pytest.mark.parametrize(
    "typed",
    [
        "data.seed=1 model=mine --config-dir FOLDER --cfg job loss=dice model.width=3",
        "--cfg=job model=mine data.seed=1 --config-dir=FOLDER loss=dice --cfg job model.width=3",
    ],
)
def test_overrides_may_stand_on_both_sides_of_an_option(typed: str, tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/mine.yaml").write_text("_target_: mine.network\nwidth: 4\n")
    monkeypatch.setattr(sys, "argv", ["segexp", *typed.replace("FOLDER", str(tmp_path)).split()])
    entry_point("train")(print)()
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["data"]["seed"] == 1
    assert shown["loss"]["_target_"] == compose("train", ["loss=dice"])["loss"]["_target_"]
    assert shown["model"] == {"_target_": "mine.network", "width": 3}


@pytest.mark.parametrize(
    ("typed", "choices"),
    [
        ("", {"logger": "wandb", "callbacks": "default"}),
        ("logger=[csv,wandb] callbacks=[default,mine]", {"logger": "[csv,wandb]", "callbacks": "[default,mine]"}),
        ("logger=[csv] experiment=both", {"logger": "csv", "experiment": "both"}),
        ("experiment=both", {"logger": "[wandb,csv]"}),
    ],
)
def test_choices_of_one_and_of_several_options_are_known(typed, choices, tmp_path: Path, monkeypatch, capsys) -> None:
    for group, text in {
        "callbacks": "mine: {_target_: a.B}\n",
        "experiment": "# @package _global_\ndefaults:\n  - override /logger: [wandb, csv]\n",
    }.items():
        (tmp_path / group).mkdir()
        (tmp_path / group / f"{'mine' if group == 'callbacks' else 'both'}.yaml").write_text(text)
    run = ["--config-dir", str(tmp_path), f"hydra.run.dir={tmp_path}"]
    monkeypatch.setattr(sys, "argv", ["segexp", *typed.split(), *run])
    entry_point("train")(lambda values: print(json.dumps(chosen_options(values))))()
    shown = json.loads(capsys.readouterr().out)
    assert {group: shown[group] for group in choices} == choices
    assert shown["loss"] == "cross_entropy"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("logger=[wandb,csw]", "no option 'csw'; did you mean logger=csv? options of logger: csv, "),
        ("loss=lovaz", "no option 'lovaz'; did you mean loss=lovasz? options of loss: cross_entropy, "),
        ("+sweep=losess", "no option 'losess'; did you mean sweep=losses? options of sweep: beta, "),
        ("loss=x", "no option 'x'; options of loss: cross_entropy, "),
        ("logger.project=x", "no key 'logger.project'; did you mean logger.wandb.project? logger has: wandb"),
    ],
)
def test_a_mistyped_option_is_answered_with_what_is_meant_and_then_with_all(typed: str, said: str, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["segexp", typed])
    with pytest.raises(SystemExit) as refused:
        entry_point("train")(print)()
    assert said in str(refused.value)


def test_a_key_that_only_the_resumed_run_has_is_answered_with_what_to_type() -> None:
    change = "callbacks.freeze_encoder.num_epochs=2"
    answer = explain("train", ["resume=/run", change])
    assert answer.startswith("no key 'callbacks.freeze_encoder'; callbacks has: best, last, ")
    typed = ["resume=/run", *shlex.split(answer.partition("; for a key that only the run has, type ")[2])]
    assert compose("train", typed)["resume"] == "/run"
    run = compose("train", ["callbacks=finetune"])
    wanted = {**run["callbacks"]["freeze_encoder"], "num_epochs": 2}
    assert resume.with_overrides(run, typed)["callbacks"]["freeze_encoder"] == wanted
    assert "++" not in explain("train", [change])


@pytest.mark.parametrize("command", sorted(path.stem for path in config_folder().glob("*.yaml")))
@pytest.mark.parametrize(("typed", "key"), [("+whatever=3", "whatever"), ("+logger@logger2=wandb", "logger2")])
def test_no_command_ignores_a_key_that_it_does_not_have(
    command: str, typed: str, key: str, tmp_path: Path, monkeypatch
) -> None:
    keys = yaml.safe_load((config_folder() / f"{command}.yaml").read_text())
    required = [f"{name}=x" for name, value in keys.items() if value == "???"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["segexp", typed, *required])
    with pytest.raises(SystemExit, match=f"^segexp.{command}: no key {key!r}; the configuration has: "):
        importlib.import_module(f"segexp.{command}.__main__").main()


@pytest.mark.parametrize("group", ["model=[pspnet,unet]", "loss=[dice,soft_iou]", "augmentation=[none,note]"])
def test_several_options_of_a_group_that_builds_one_object_are_refused(group: str) -> None:
    with pytest.raises(ValueError, match="allowed: one option, such as ") as error:
        compose("train", [group])
    assert str(error.value).endswith("-m " + group.replace("[", "").replace("]", ""))


def test_several_options_stand_beside_each_other_where_each_has_a_name() -> None:
    assert set(compose("train", ["logger=[csv,wandb]"])["logger"]) == {"csv", "wandb"}
