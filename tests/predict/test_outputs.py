"""Which files exist already, and which inputs remain to be predicted."""

from pathlib import Path

import pytest

from segexp import build
from segexp.config.compose import compose
from segexp.data.cityscapes import CITYSCAPES
from segexp.predict.inputs import Input
from segexp.predict.outputs import Outputs


class UncomparableInput(Input):
    """An input that may not be compared: among a hundred thousand inputs that would take for ever."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise AssertionError


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    grouping = build.grouping(compose("train", ["classes=cityscapes19"]))
    return Outputs(tmp_path, grouping, CITYSCAPES, "class_ids", False, opacity=0.5, legend=False, probabilities=False)


def test_the_outputs_of_each_image_are_looked_for_by_themselves(outputs: Outputs) -> None:
    items = [UncomparableInput(Path(f"{name}.png"), name, is_video=False) for name in "abcd"]
    (outputs.folder / "masks").mkdir()
    for name in "abd":
        (outputs.folder / "masks" / f"{name}.png").touch()
    assert [item.name for item in outputs.select_pending(items, "skip")] == ["c"]
    assert [item.name for item in outputs.select_pending(items, "overwrite")] == list("abcd")
    with pytest.raises(FileExistsError, match="3 files exist already"):
        outputs.select_pending(items, "refuse")


@pytest.mark.parametrize("on_existing", ["refuse", "skip", "overwrite"])
def test_no_input_is_overwritten_however_its_folder_is_spelled(outputs: Outputs, on_existing: str) -> None:
    (outputs.folder / "masks").mkdir()
    (outputs.folder / "masks" / "a.png").touch()
    (outputs.folder / "link").symlink_to("masks")
    for folder in ("masks", "link", "masks/../link"):
        item = Input(outputs.folder / folder / "a.png", "a", is_video=False)
        with pytest.raises(ValueError, match=r"masks/a.png is an input.*choose another output="):
            outputs.select_pending([item], on_existing)


@pytest.mark.parametrize("name", ["n" * 300, "/".join(100 * ["n" * 100])])
def test_a_name_that_is_too_long_to_be_there_is_left_to_be_predicted(outputs: Outputs, name: str) -> None:
    long = Input(Path("long.png"), name, is_video=False)
    for on_existing in ("refuse", "skip", "overwrite"):
        assert outputs.select_pending([long], on_existing) == [long]
    outputs.remove_abandoned_parts([long])


@pytest.mark.parametrize(
    ("content", "differing"),
    [
        ("[]", "command"),
        ("{", "command"),
        ('{"inference": {"window": [32, 32]}, "run": "other"}', "run"),
        ('{"inference": {"window": [32, 32]}, "masks": "label_ids"}', "masks"),
        ('{"inference": {"window": [32, 32], "precision": "bfloat16"}}', "precision"),
        ('{"inference": {}}', "inference"),
    ],
)
def test_predictions_of_another_kind_are_not_added_to(outputs: Outputs, content: str, differing: str) -> None:
    origin = {"run": "run", "checkpoint": "best", "step": 7, "precision": "float32"}
    facts = (origin, {"window": [32, 32]})
    outputs.write_facts(*facts, on_existing="refuse")
    for on_existing in ("refuse", "skip"):
        outputs.write_facts(*facts, on_existing=on_existing)
        whole = (outputs.folder / "predictions.json").read_text()
        (outputs.folder / "predictions.json").write_text(content)
        with pytest.raises(ValueError, match=f"predictions.json is of another {differing}, .*on_existing=overwrite"):
            outputs.write_facts(*facts, on_existing=on_existing)
        assert (outputs.folder / "predictions.json").read_text() == content
        outputs.write_facts(*facts, on_existing="overwrite")
        assert (outputs.folder / "predictions.json").read_text() == whole
