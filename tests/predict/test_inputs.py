"""Which files are predicted, and under which names."""

import os
from pathlib import Path

import pytest

from segexp.predict.inputs import check_output, find_inputs


def touch_files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_no_two_files_share_a_name(tmp_path: Path) -> None:
    given = touch_files(tmp_path, "a.png", "a.jpg", "a.png.bmp", "b.png", "b.png.bmp", "c/a.png", "d.v1.png")
    names = {
        item.file.name if item.file.parent == given else "c": item.name for item in find_inputs(given, given / "out")
    }
    assert len(set(names.values())) == 7
    assert names["d.v1.png"] == "d.v1"


def test_a_hidden_or_relative_folder_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch_files(tmp_path, ".hidden/images/a.png", ".hidden/images/.thumbnails/a.png")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for place in ("../.hidden/images", tmp_path / ".hidden/images"):
        assert [item.name for item in find_inputs(Path(place), tmp_path / "out")] == ["a"]


def test_outputs_are_no_inputs_however_their_folder_is_spelled(tmp_path: Path) -> None:
    given = touch_files(tmp_path / "images", "a.png", "out/masks/a.png")
    assert [item.name for item in find_inputs(given, given / ".." / "images" / "out")] == ["a"]


def test_outputs_of_an_earlier_command_are_no_inputs_unless_they_are_asked_for(tmp_path: Path) -> None:
    given = touch_files(tmp_path / "images", "a.png", "plain/masks/a.png", "plain/masks/b.png", "coco/c.png")
    for folder in ("plain", "coco"):  # the latter's is somebody else's
        (given / folder / "predictions.json").touch()
    assert [item.name for item in find_inputs(given, given / "flipped")] == ["a", "coco/c"]
    assert [item.name for item in find_inputs(given / "plain", tmp_path / "out")] == ["masks/a", "masks/b"]


def test_a_link_to_nothing_or_a_pipe_is_an_input_that_is_refused(tmp_path: Path) -> None:
    touch_files(tmp_path, "a.png")
    (tmp_path / "b.png").symlink_to("nowhere.png")
    os.mkfifo(tmp_path / "c.png")  # reading it would wait for a writer
    (tmp_path / "d.png").mkdir()
    whole, *others = find_inputs(tmp_path, tmp_path / "out")
    whole.check()
    assert [item.name for item in others] == ["b", "c"]
    for item in others:
        with pytest.raises(FileNotFoundError, match="no file or folder .*a pipe, a device or a link to nothing"):
            find_inputs(item.file, tmp_path / "out")
        with pytest.raises(ValueError, match="no such file, or a link to a missing one"):
            item.check()


def test_a_folder_that_cannot_be_searched_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path is too long; permissions would not stop root."""
    touch_files(tmp_path, "a.png")
    monkeypatch.chdir(tmp_path)
    for _ in range(21):
        Path("n" * 200).mkdir()
        os.chdir("n" * 200)
    with pytest.raises(OSError, match="input: cannot search .*: File name too long; permit it"):
        find_inputs(tmp_path, tmp_path / "out")


def test_output_is_a_folder_of_its_own(tmp_path: Path) -> None:
    given = touch_files(tmp_path / "given", "day/a.png")
    (tmp_path / "link").symlink_to("given")
    (tmp_path / "gone").symlink_to("nowhere")
    for output in (given, tmp_path, tmp_path / "link", given / "day" / ".."):
        with pytest.raises(ValueError, match=r"output: .* holds the input .*output=.*given/predicted"):
            check_output(output, given)
    image, gone = given / "day" / "a.png", tmp_path / "gone"
    for output, existing in ((image, image), (image / "out", image), (gone / "out", gone)):
        with pytest.raises(ValueError, match=f"output: {existing} exists and is not a folder; choose another"):
            check_output(output, given)
    for output in (given / "predicted", tmp_path / "new" / "out", given / "day"):
        check_output(output, given)
    check_output(given / "day", given / "day" / "a.png")


def test_whatever_looks_like_an_image_is_an_input(tmp_path: Path) -> None:
    names = ["a.HEIC", "b.avif", "c.heif", "d.jxl", "e.ppm", "f.NEF", "g.jpg", "h.tga"]
    touch_files(tmp_path, *names, "notes.txt", "labels.json", "Makefile", "i.m2ts")
    items = find_inputs(tmp_path, tmp_path / "out")
    assert [item.file.name for item in items] == [*names, "i.m2ts"]
    assert [item.is_video for item in items] == [False] * len(names) + [True]


def test_raw_data_of_cameras_is_refused_rather_than_its_preview_read(tmp_path: Path) -> None:
    (item,) = find_inputs(touch_files(tmp_path, "a.dng"), tmp_path / "out")
    with pytest.raises(ValueError, match="raw data of a camera, .* develop it to PNG or JPEG"):
        item.check()


def test_hidden_images_are_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    given = touch_files(tmp_path, "a.png", "._a.png", "__MACOSX/a.png", "__MACOSX/._a.png", ".DS_Store", "b/._c.mp4")
    assert [item.name for item in find_inputs(given, given / "out")] == ["a"]
    assert capsys.readouterr().out.startswith("left out: 4 hidden files, as macOS makes them (._x.png, __MACOSX), ")
