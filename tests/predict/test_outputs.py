"""What is there already, and what is left to be predicted."""

from pathlib import Path

import pytest

from segexp import build, classes
from segexp.config.compose import compose
from segexp.predict.inputs import Input
from segexp.predict.outputs import Outputs


class Alone(Input):
    """An input that may not be compared: among a hundred thousand that takes for ever."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise AssertionError


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    grouping = build.grouping(compose("train", ["classes=cityscapes19"]))
    return Outputs(tmp_path, grouping, classes.CITYSCAPES, "class_ids", overlay=False, opacity=0.5, probabilities=False)


def test_each_photo_is_looked_for_by_itself(outputs: Outputs) -> None:
    items = [Alone(Path(f"{name}.png"), name, is_film=False) for name in "abcd"]
    (outputs.folder / "masks").mkdir()
    for name in "abd":
        (outputs.folder / "masks" / f"{name}.png").touch()
    assert [item.name for item in outputs.without_existing(items, "skip")] == ["c"]
    assert [item.name for item in outputs.without_existing(items, "overwrite")] == list("abcd")
    with pytest.raises(FileExistsError, match="3 files are there already"):
        outputs.without_existing(items, "refuse")


@pytest.mark.parametrize("on_existing", ["refuse", "skip", "overwrite"])
def test_no_input_is_overwritten_however_its_folder_is_spelled(outputs: Outputs, on_existing: str) -> None:
    (outputs.folder / "masks").mkdir()
    (outputs.folder / "masks" / "a.png").touch()
    (outputs.folder / "link").symlink_to("masks")
    for folder in ("masks", "link", "masks/../link"):
        item = Input(outputs.folder / folder / "a.png", "a", is_film=False)
        with pytest.raises(ValueError, match=r"masks/a.png is an input, and would be overwritten; choose another outp"):
            outputs.without_existing([item], on_existing)


@pytest.mark.parametrize("name", ["n" * 300, "/".join(100 * ["n" * 100])])
def test_a_name_that_is_too_long_to_be_there_is_left_to_be_predicted(outputs: Outputs, name: str) -> None:
    long = Input(Path("long.png"), name, is_film=False)
    for on_existing in ("refuse", "skip", "overwrite"):
        assert outputs.without_existing([long], on_existing) == [long]
    outputs.remove_left([long])


@pytest.mark.parametrize("content", ["[]", "{", '{"run": "other"}', '{"masks": "label_ids"}'])
def test_predictions_of_another_kind_are_not_added_to(outputs: Outputs, content: str) -> None:
    told = ("run", "best", 7, {"window": [32, 32]})
    outputs.tell(*told, on_existing="refuse")
    for on_existing in ("refuse", "skip"):
        outputs.tell(*told, on_existing=on_existing)
        whole = (outputs.folder / "predictions.json").read_text()
        (outputs.folder / "predictions.json").write_text(content)
        with pytest.raises(ValueError, match="predictions.json tells of another (command|run|masks), and a folder"):
            outputs.tell(*told, on_existing=on_existing)
        assert (outputs.folder / "predictions.json").read_text() == content
        outputs.tell(*told, on_existing="overwrite")
        assert (outputs.folder / "predictions.json").read_text() == whole
