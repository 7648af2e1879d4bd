"""Which files are predicted, and under which names."""

import os
from pathlib import Path

import pytest

from segexp.predict.inputs import check_output, find


def photos(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_no_two_files_share_a_name(tmp_path: Path) -> None:
    given = photos(tmp_path, "a.png", "a.jpg", "a.png.bmp", "b.png", "b.png.bmp", "c/a.png", "d.v1.png")
    names = {item.file.name if item.file.parent == given else "c": item.name for item in find(given, given / "out")}
    assert len(set(names.values())) == 7
    assert names["d.v1.png"] == "d.v1"


def test_a_hidden_or_relative_folder_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos(tmp_path, ".hidden/photos/a.png", ".hidden/photos/.thumbnails/a.png")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for place in ("../.hidden/photos", tmp_path / ".hidden/photos"):
        assert [item.name for item in find(Path(place), tmp_path / "out")] == ["a"]


def test_what_was_written_is_no_input_however_its_folder_is_spelled(tmp_path: Path) -> None:
    given = photos(tmp_path / "photos", "a.png", "out/masks/a.png")
    assert [item.name for item in find(given, given / ".." / "photos" / "out")] == ["a"]


def test_what_an_earlier_command_wrote_to_another_output_is_no_input_unless_asked_for(tmp_path: Path) -> None:
    given = photos(tmp_path / "photos", "a.png", "plain/masks/a.png", "plain/masks/b.png", "coco/c.png")
    for folder in ("plain", "coco"):  # the latter's is somebody else's
        (given / folder / "predictions.json").touch()
    assert [item.name for item in find(given, given / "flipped")] == ["a", "coco/c"]
    assert [item.name for item in find(given / "plain", tmp_path / "out")] == ["masks/a", "masks/b"]


def test_what_is_no_file_is_an_input_that_is_refused(tmp_path: Path) -> None:
    photos(tmp_path, "a.png")
    (tmp_path / "b.png").symlink_to("nowhere.png")
    os.mkfifo(tmp_path / "c.png")  # reading it would wait for a writer
    (tmp_path / "d.png").mkdir()
    whole, *others = find(tmp_path, tmp_path / "out")
    whole.check()
    assert [item.name for item in others] == ["b", "c"]
    for item in others:
        with pytest.raises(FileNotFoundError, match="; there is a pipe, a device or a link to nothing$"):
            find(item.file, tmp_path / "out")
        with pytest.raises(ValueError, match="no file, or a link to one that is not there"):
            item.check()


def test_a_folder_that_cannot_be_searched_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its path is too long: permissions would not keep out root."""
    photos(tmp_path, "a.png")
    monkeypatch.chdir(tmp_path)
    for _ in range(21):
        Path("n" * 200).mkdir()
        os.chdir("n" * 200)
    with pytest.raises(OSError, match="^input: cannot search .*: File name too long; permit it"):
        find(tmp_path, tmp_path / "out")


def test_output_is_a_folder_of_its_own(tmp_path: Path) -> None:
    given = photos(tmp_path / "given", "day/a.png")
    (tmp_path / "link").symlink_to("given")
    (tmp_path / "gone").symlink_to("nowhere")
    for output in (given, tmp_path, tmp_path / "link", given / "day" / ".."):
        with pytest.raises(ValueError, match=r"^output: .* holds the input .*such as output=.*given/predicted$"):
            check_output(output, given)
    for output in (given / "day" / "a.png", given / "day" / "a.png" / "out", tmp_path / "gone" / "out"):
        with pytest.raises(ValueError, match=r"^output: .*(a.png|gone) is there and no folder; choose another one$"):
            check_output(output, given)
    for output in (given / "predicted", tmp_path / "new" / "out", given / "day"):
        check_output(output, given)
    check_output(given / "day", given / "day" / "a.png")
