"""Configuration -> objects."""

from pathlib import Path

import pytest
import torch
from omegaconf.errors import InterpolationResolutionError

from segexp import build
from segexp.config.compose import compose


def test_the_notebook_example_trains(small) -> None:
    config = compose("train", small("loss=focal"))
    model, loss = build.model(config), build.loss(config)
    image, target = torch.zeros(1, 3, 64, 64, dtype=torch.uint8), torch.zeros(1, 64, 64, dtype=torch.uint8)
    loss(model(image), target).backward()
    assert model(image).shape == (1, 8, 64, 64)


def test_a_key_without_value_is_named() -> None:
    with pytest.raises(ValueError, match=r"no value for data.root; add data.root=\.\.\."):
        compose("train", ["data=camvid"])


def test_a_missing_value_is_named_by_its_own_key_where_others_refer_to_it() -> None:
    with pytest.raises(ValueError, match="no value for study; add study="):
        compose("tune")


def test_class_counts_are_those_of_the_training_masks(compose_small) -> None:
    config = compose_small("loss=weighted_cross_entropy", "loss.weighting=inverse_frequency")
    classes, source = build.grouping(config), build.source(config)
    samples = build.data(config).train_dataloader().dataset
    expected = sum(torch.bincount(samples[0, index].target.flatten(), minlength=256) for index in range(len(samples)))
    from segexp.data.counts import class_counts

    assert class_counts(source, "train", classes).pixels == expected[:8].tolist()
    assert build.loss(config) is not None


def test_facts_reach_nested_targets_that_do_not_mention_them() -> None:
    node = {"_target_": "torch.nn.ModuleList", "modules": [{"_target_": f"{__name__}.Asks"}]}
    assert build.part(node, {"num_classes": lambda: 7})[0].num_classes == 7


def test_a_fact_has_any_key_that_a_yaml_gives_it() -> None:
    node = {"_target_": f"{__name__}.Asks", "num_classes": 1, "channels": "<num_classes>"}
    assert build.part(node, {"num_classes": lambda: 7}).channels == 7


def test_what_was_typed_is_not_overwritten_by_a_fact() -> None:
    values = compose("train", ["model.streams=[4,8]", "model.num_classes=3"])
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    assert build.model(values)(image).shape[1] == 3
    assert build.part({"_target_": f"{__name__}.Asks", "num_classes": 3}, {"num_classes": lambda: 7}).num_classes == 3


def test_a_fact_that_a_part_cannot_have_is_named_with_those_it_can() -> None:
    values = compose("train", ["model.streams=${fact:class_counts}"])
    with pytest.raises(ValueError, match=r"fact:class_counts.* is not known .* known here: .*fact:num_classes"):
        build.model(values)
    with pytest.raises(InterpolationResolutionError, match=r"fact:num_clases.* is not a fact; facts: num_classes, "):
        compose("train", ["model.streams=${fact:num_clases}"])


def test_a_fact_within_a_longer_text_is_refused() -> None:
    node = {"_target_": f"{__name__}.Asks", "channels": "<num_classes> and one"}
    with pytest.raises(ValueError, match=r"fact:num_classes.* is part of a longer text, '<num_classes> and one'"):
        build.part(node, {"num_classes": lambda: 7})


class Asks(torch.nn.Module):
    def __init__(self, num_classes: int, channels: int = 0) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.channels = channels


@pytest.mark.parametrize("name", ["Bäume", "a (1)", "a=b", "it's", "a,b", "[a]", "a\\", "a\\'b", "~#: {a}"])
def test_options_are_read_from_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name / "loss").mkdir(parents=True)
    (tmp_path / name / "loss/mine.yaml").write_text("_target_: mine.loss")
    config = compose("train", ["loss=mine"], [tmp_path / name])
    assert config["loss"]["_target_"] == "mine.loss"


@pytest.mark.parametrize(
    ("typed", "make", "said"),
    [
        ("classes.name=[1,2]", build.grouping, "Grouping: name is [1, 2]; allowed: one value (str)"),
        ("loss=dice loss.per_image=[true]", build.loss, "per_image is [true]; allowed: one value (bool)"),
        (
            "callbacks=early_stopping callbacks.early_stopping.patience=[1,2]",
            "callbacks",
            "patience is [1, 2]; allowed: ",
        ),
        ("callbacks.best.monitor=[a,b]", "callbacks", "monitor is ['a', 'b']; allowed: one value (str or null)"),
        ("scheduler=cosine scheduler.final_lr=[0,1]", "scheduler", "final_lr is [0, 1]; allowed: one value (float)"),
        ("model=unet model.encoder=[a,b]", build.model, "encoder is ['a', 'b']; allowed: one value (str)"),
    ],
)
def test_a_list_where_one_value_is_meant_is_an_error(typed: str, make, said: str, tmp_path: Path) -> None:
    values = compose("train", typed.split())
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    others = {
        "callbacks": lambda values: build.callbacks(values, tmp_path),
        "scheduler": lambda values: build.scheduler(values)(optimizer, 10),
    }
    with pytest.raises(ValueError, match=r"-m$") as error:
        others.get(make, make)(values)
    assert said in str(error.value)


def test_a_list_that_an_argument_takes_arrives() -> None:
    assert build.loss(compose("train", ["loss=dice", "loss.classes=[1,2]"])) is not None
