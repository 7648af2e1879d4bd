"""Configuration -> objects."""

from pathlib import Path

import pytest
import torch

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

    assert class_counts(source.pairs("train"), classes, source.table).pixels == expected[:8].tolist()
    assert build.loss(config) is not None


def test_facts_reach_nested_targets() -> None:
    config = {"outer": {"_target_": "torch.nn.ModuleList", "modules": [{"_target_": f"{__name__}.Asks"}]}}
    filled = build._with_facts(config, {"num_classes": lambda: 7})
    assert filled["outer"]["modules"][0]["num_classes"] == 7


def test_a_fact_wins_over_a_yaml() -> None:
    filled = build._with_facts({"_target_": f"{__name__}.Asks", "num_classes": 3}, {"num_classes": lambda: 7})
    assert filled["num_classes"] == 7


class Asks(torch.nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()


@pytest.mark.parametrize(("name", "last"), [("constant", 1.0), ("poly", 0.0), ("cosine", 0.0), ("inverse_time", 2 / 3)])
def test_schedules_end_where_their_formula_says(name: str, last: float) -> None:
    fast = ["scheduler.decay=0.05"] if name == "inverse_time" else []
    config = compose("train", [f"scheduler={name}", *fast])
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = build.scheduler(config)(optimizer, 10)
    for _ in range(10):
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(last)


@pytest.mark.parametrize("name", ["Bäume", "a (1)", "a=b", "it's", "a,b", "[a]", "a\\", "a\\'b", "~#: {a}"])
def test_options_are_read_from_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name / "loss").mkdir(parents=True)
    (tmp_path / name / "loss/mine.yaml").write_text("_target_: mine.loss")
    config = compose("train", ["loss=mine"], [tmp_path / name])
    assert config["loss"]["_target_"] == "mine.loss"
