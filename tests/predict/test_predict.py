"""Images -> masks, overlays, probabilities: the command as users type it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from segexp.config.compose import compose
from segexp.data.cityscapes import CITYSCAPES
from segexp.evaluate.split import evaluate, prepare_evaluation
from segexp.inference.loaded_run import load_run
from segexp.predict.inputs import find_inputs
from segexp.predict.predict import predict
from segexp.run.folder import RunFolder
from tests.evaluate.options import evaluate_settings
from tests.predict.command import make_outputs, mask, run_predict

ORIENTATION = 0x0112


def test_label_ids_are_those_of_an_evaluation(trained: RunFolder, images: Path, tmp_path: Path) -> None:
    settings = evaluate_settings(checkpoint="last", device="cpu")
    evaluate(prepare_evaluation(trained, settings, tmp_path / "evaluated"))
    answer = run_predict(trained, f"input={images}", f"output={tmp_path / 'out'}")
    assert answer.returncode == 0, answer.stderr
    files = sorted((tmp_path / "out" / "masks").rglob("*.png"))
    assert len(files) == 3
    for file in files:
        np.testing.assert_array_equal(mask(file), mask(tmp_path / "evaluated" / file.name))


def test_masks_of_a_prediction_are_masks_of_a_data_set(trained: RunFolder, images: Path, tmp_path: Path) -> None:
    predictor = load_run(trained.path, "last", "cpu").predictor
    predict(find_inputs(images, tmp_path / "out"), predictor, make_outputs(tmp_path / "out", "label_ids"), 1, 1)
    for file in (tmp_path / "out" / "masks").rglob("*.png"):
        with Image.open(file) as picture:
            assert picture.mode == "P"
    (tmp_path / "images").symlink_to(images)
    labels = [f"data.labels={{{', '.join(f'{label.id}: {label.name}' for label in CITYSCAPES.labels)}}}"]
    places = [f"data.root={tmp_path}", "data.images=images", "data.masks=out/masks", "data.recursive=true"]
    data = compose("train", ["data=folder", "classes=cityscapes19", *places, *labels])["data"]
    settings = evaluate_settings(checkpoint="last", device="cpu", data=data)
    assert evaluate(prepare_evaluation(trained, settings)).scores()["miou"] == 1


@pytest.mark.slow
def test_every_form_of_a_mask_holds_the_same_classes(trained: RunFolder, images: Path, tmp_path: Path) -> None:
    forms = ("label_ids", "class_ids", "colored")
    for form in forms:
        answer = run_predict(trained, f"input={images}", f"output={tmp_path / form}", f"masks={form}", "overlay=false")
        assert answer.returncode == 0, answer.stderr
        assert {path.name for path in (tmp_path / form).iterdir()} == {"masks", "predictions.json"}
    classes = json.loads((tmp_path / "class_ids" / "predictions.json").read_text())["classes"]
    files = sorted((tmp_path / "class_ids" / "masks").rglob("*.png"))
    assert len(files) == 3
    for file in files:
        name, ids = file.relative_to(tmp_path / "class_ids"), mask(file)
        colored = Image.open(tmp_path / "colored" / name)
        np.testing.assert_array_equal(np.array(colored), ids)
        colors = np.array([each["color"] for each in classes], np.uint8)
        np.testing.assert_array_equal(np.array(colored.convert("RGB")), colors[ids])
        label_ids = np.array([each["label_id"] for each in classes], np.uint8)
        of_labels = Image.open(tmp_path / "label_ids" / name)
        np.testing.assert_array_equal(np.array(of_labels), label_ids[ids])
        np.testing.assert_array_equal(np.array(of_labels.convert("RGB")), colors[ids])


def test_probabilities_add_up_and_peak_at_the_class_of_the_mask(trained: RunFolder, images: Path, tmp_path) -> None:
    answer = run_predict(trained, f"input={images}", f"output={tmp_path}", "masks=class_ids", "probabilities=true")
    assert answer.returncode == 0, answer.stderr
    files = sorted((tmp_path / "probabilities").rglob("*.npy"))
    assert len(files) == 3
    for file in files:
        probabilities = np.load(file)
        assert probabilities.dtype == np.float16
        ids = mask(tmp_path / "masks" / file.relative_to(tmp_path / "probabilities").with_suffix(".png"))
        assert probabilities.shape == (19, *ids.shape)
        np.testing.assert_allclose(probabilities.astype(np.float32).sum(0), 1, atol=0.005)
        of_mask = np.take_along_axis(probabilities, ids[None].astype(int), 0)[0]
        assert (of_mask >= probabilities.max(0)).mean() > 0.999  # but for ties of rounded numbers


def test_an_overlay_mixes_image_and_colours_above_a_legend(trained: RunFolder, images: Path, tmp_path: Path) -> None:
    answer = run_predict(
        trained, f"input={images}", f"output={tmp_path}", "masks=colored", "opacity=0.25", "legend=true"
    )
    assert answer.returncode == 0, answer.stderr
    files = sorted((tmp_path / "overlays").rglob("*.png"))
    assert len(files) == 3
    for file in files:
        name = file.relative_to(tmp_path / "overlays")
        image, overlay = mask(images / name).astype(float), mask(file)
        colors = np.array(Image.open(tmp_path / "masks" / name).convert("RGB")).astype(float)
        height = len(image)
        assert overlay.shape[0] > height
        np.testing.assert_allclose(overlay[:height], 0.75 * image + 0.25 * colors, atol=1)
        assert len(np.unique(overlay[height:].reshape(-1, 3), axis=0)) >= 19


def write_variants(image: Image.Image, folder: Path) -> dict[str, Image.Image]:
    """Write a file of every mode; return the RGB picture that each shows."""
    grey = image.convert("L")
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    sixteen = np.array(grey).astype(np.uint16) * 256 + 17
    files: dict[str, Image.Image] = {
        "grey.png": grey,
        "alpha.png": image.convert("RGBA"),
        "grey_alpha.png": grey.convert("LA"),
        "palette.png": image.quantize(64),
        "sixteen.png": Image.fromarray(sixteen),
        "cmyk.tif": image.convert("CMYK"),
        "odd.png": image.crop((3, 5, 80, 56)),
    }
    for name, picture in files.items():
        picture.save(folder / name)
    image.save(folder / "turned.png", exif=turned)
    pictures = {name: picture.convert("RGB") for name, picture in files.items() if name != "sixteen.png"}
    return {**pictures, "sixteen.png": grey.convert("RGB"), "turned.png": image.transpose(Image.Transpose.ROTATE_270)}


def test_any_mode_and_orientation_is_predicted_as_the_picture_that_it_shows(
    trained: RunFolder, images: Path, tmp_path: Path
) -> None:
    for folder in ("given", "plain"):
        (tmp_path / folder).mkdir()
    pictures = write_variants(Image.open(next(images.rglob("*.png"))).convert("RGB"), tmp_path / "given")
    for name, picture in pictures.items():
        picture.save(tmp_path / "plain" / f"{Path(name).stem}.png")
    for folder in ("given", "plain"):
        answer = run_predict(trained, f"input={tmp_path / folder}", f"output={tmp_path / f'{folder}_out'}")
        assert answer.returncode == 0, answer.stderr
    for name in pictures:
        stem = Path(name).stem
        given = mask(tmp_path / "given_out" / "masks" / f"{stem}.png")
        np.testing.assert_array_equal(given, mask(tmp_path / "plain_out" / "masks" / f"{stem}.png"), err_msg=name)


@pytest.mark.slow
def test_batches_of_mixed_sizes_give_what_single_images_give(trained: RunFolder, images: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for number in range(7):
        picture = Image.open(sorted(images.rglob("*.png"))[number % 3])
        picture = picture.crop((0, 0, 64, 48)) if number in (2, 3) else ImageOps.mirror(picture)
        picture.save(mixed / f"{number}.png")
    for size in (1, 3):
        answer = run_predict(trained, f"input={mixed}", f"output={tmp_path / str(size)}", f"batch_size={size}")
        assert answer.returncode == 0, answer.stderr
    for number in range(7):
        one, three = (mask(tmp_path / size / "masks" / f"{number}.png") for size in ("1", "3"))
        assert (one == three).mean() > 0.999  # sums in another order may turn a tie


def test_every_image_is_opened_once_however_many_frames_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [Image.new("RGB", (50, 40), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "one.png")
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    opened, original = [], Image.open
    monkeypatch.setattr(Image, "open", lambda file, **options: opened.append(file) or original(file, **options))
    outputs = make_outputs(tmp_path / "out")
    items = find_inputs(tmp_path, outputs.folder)
    assert predict(items, lambda images: images[..., 0] % 19, outputs, batch_size=1, num_threads=1) == []
    assert opened == [tmp_path / "one.png", tmp_path / "two.gif"]
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'two.gif'}: the first of its 2 frames is predicted" in printed
    assert "one.png" not in printed
    assert "2/2" in printed  # images, not frames


@pytest.mark.slow
def test_files_that_are_there_are_refused_skipped_or_overwritten(trained: RunFolder, images: Path, tmp_path) -> None:
    arguments = (f"input={images}", f"output={tmp_path}")
    assert run_predict(trained, *arguments).returncode == 0
    files = sorted((tmp_path / "masks").rglob("*.png"))
    before = [file.read_bytes() for file in files]
    refused = run_predict(trained, *arguments)
    assert refused.returncode == 1
    assert "6 files exist already" in refused.stderr
    assert "on_existing=skip" in refused.stderr
    files[1].write_bytes(b"")
    files[2].unlink()
    assert "1 of 3 predicted, 2 existed already" in run_predict(trained, *arguments, "on_existing=skip").stdout
    assert files[1].read_bytes() == b""
    otherwise = run_predict(trained, *arguments, "on_existing=skip", "masks=class_ids")
    assert (otherwise.returncode, "is of another masks" in otherwise.stderr) == (1, True)
    assert "3 of 3 predicted" in run_predict(trained, *arguments, "on_existing=overwrite").stdout
    assert [file.read_bytes() for file in files] == before


@pytest.mark.slow
def test_files_of_one_stem_keep_their_endings(trained: RunFolder, images: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    picture = Image.open(next(images.rglob("*.png"))).convert("RGB")
    for name in ("a.png", "a.jpg", "b.png"):
        picture.save(given / name)
    assert run_predict(trained, f"input={given}", f"output={given / 'out'}", "overlay=false").returncode == 0
    again = run_predict(trained, f"input={given}", f"output={given / 'out'}", "overlay=false", "on_existing=skip")
    assert "0 of 3 predicted, 3 existed already" in again.stdout  # its outputs are no inputs
    assert {file.name for file in (given / "out" / "masks").iterdir()} == {"a.png.png", "a.jpg.png", "b.png"}


@pytest.mark.parametrize(
    ("typed", "facts"),
    [
        ("masks=labels", ("masks is 'labels'", "label_ids, class_ids, colored, null")),
        ("overlay=1", ("overlay is 1", "true, false")),
        ("input=/nowhere", ("no file or folder /nowhere",)),
        ("output=pyproject.toml", ("pyproject.toml exists and is not a folder", "choose another one")),
        ("input=pyproject.toml", ("pyproject.toml is neither image nor video", "known endings: .3gp, .avi")),
        ("run=/nowhere", ("no run folder /nowhere",)),
    ],
)
def test_a_mistake_gets_one_clear_error(
    trained: RunFolder, images: Path, tmp_path: Path, typed: str, facts: tuple[str, ...]
) -> None:
    answer = run_predict(trained, f"input={images}", f"output={tmp_path / 'out'}", typed)
    assert answer.returncode == 1
    assert [fact for fact in facts if fact not in answer.stderr] == [], answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "out").exists()
