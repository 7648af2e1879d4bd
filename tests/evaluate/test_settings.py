"""A wrong setting of an evaluation is refused with its value and what is allowed."""

import pytest

from tests.evaluate.options import evaluate_settings


@pytest.mark.parametrize(
    ("wrong", "facts"),
    [
        ({"run": 2024}, ("run is 2024", "./2024")),
        ({"run": None}, ("nothing to evaluate", "run=RUN", "runs=FOLDER")),
        ({"runs": "FOLDER"}, ("run= evaluates one run, and runs= many",)),
        ({"run": None, "runs": "FOLDER", "regroup": "cityscapes7"}, ("runs= takes no regroup",)),
        ({"split": ""}, ("split is ''", "the name of a split")),
        ({"checkpoint": None}, ("checkpoint is null", "a text")),
        ({"name": "a/b"}, ("name is 'a/b'", "null", "one folder", "no path")),
        ({"name": ".hidden"}, ("name is '.hidden'", "no dot first")),
        ({"split": "../val"}, ("name is '../val'", "one folder")),
        ({"overwrite": 1}, ("overwrite is 1", "true, false")),
        ({"device": 0}, ("device is 0", "auto, cpu, cuda, cuda:1")),
        ({"num_processes": 0}, ("num_processes is 0", "a whole number of at least 1")),
        ({"num_scenes": -1}, ("num_scenes is -1", "a whole number of at least 0")),
        ({"metric": {}}, ("metric has nothing", "without overlap", "metric=[default,mine]")),
        ({"boundary_width": 0.1}, ("no key 'boundary_width'",)),
        ({"predictions": "yes"}, ("predictions is 'yes'", "true, false")),
        ({"regroup": 7}, ("regroup is 7", "null", "a text")),
        ({"data": None}, ("data is null", "data.KEY=VALUE")),
        ({"scales": [0]}, ("scales is [0]", "numbers from 0.1 to 10")),
        ({"stride": [8, 8]}, ("stride is [8, 8]", "window is null")),
        ({"weights": "best"}, ("weights is 'best'", "null", "raw, averaged")),
        ({"splits": "val"}, ("no key 'splits'", "split, checkpoint, weights, name")),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(wrong: dict, facts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=".") as refused:
        evaluate_settings(**wrong)
    assert [fact for fact in facts if fact not in str(refused.value)] == [], refused.value


def test_a_split_with_a_name_of_its_own_may_be_a_path() -> None:
    assert evaluate_settings(split="day/val", name="day").evaluation_name == "day"
    assert evaluate_settings().evaluation_name == "val"


def test_a_data_key_that_is_null_replaces_nothing() -> None:
    assert evaluate_settings(data={"root": None, "num_val": 3}).data == {"num_val": 3}
