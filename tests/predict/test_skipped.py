"""Inputs that cannot be predicted are named and skipped, and the rest is written."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from segexp.inference.predictor import Predictor
from segexp.inference.settings import Inference
from segexp.model.segmenter import Segmenter
from segexp.predict.__main__ import warn_of_unused_bits
from segexp.predict.inputs import find_inputs
from segexp.predict.predict import predict
from segexp.run.folder import RunFolder
from tests.predict.command import make_outputs, mask, run_predict

LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from segexp.predict.inputs import find_inputs
from segexp.predict.predict import predict
from tests.predict.command import make_outputs

place, outputs = Path(sys.argv[1]), make_outputs(Path(sys.argv[2]))
lines = Path("/proc/self/status").read_text().splitlines()
held = next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, 2 * (held + 200_000_000,))  # 9000 x 9000 pixels take 324 MB
predict(find_inputs(place, outputs.folder), lambda images: images[..., 0] % 19, outputs, batch_size=1, num_threads=1)
"""

ONLY_PROBABILITIES = ("masks=null", "overlay=false", "probabilities=true")


def test_a_broken_file_is_named_and_the_rest_is_written(trained: RunFolder, images: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    whole = next(images.rglob("*.png")).read_bytes()
    (given / "a_torn.png").write_bytes(whole[: len(whole) // 2])
    (given / "b.png").write_bytes(whole)
    (given / "c_text.jpg").write_text("no image")
    Image.new("RGB", (400, 20)).save(given / "d_flat.png")
    (given / "e.png").write_bytes(whole)
    (given / "f_link.png").symlink_to("nowhere.png")
    (given / "h_phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + whole)
    (given / "g_large.png").write_bytes(b"P5 9500 9500 255\n")  # of which Pillow warns
    answer = run_predict(trained, f"input={given}", f"output={tmp_path / 'out'}", "batch_size=2")
    assert answer.returncode == 1
    for name in ("a_torn.png", "c_text.jpg", "d_flat.png", "f_link.png", "g_large.png", "h_phone.heic"):
        assert f"skipped {given / name}" in answer.stdout
    assert "d_flat.png: 20 x 400 pixels; allowed: at least 32" in answer.stdout
    messages = [line for line in answer.stderr.splitlines() if line.startswith("segexp.")]  # libraries warn there, too
    assert messages == ["segexp.predict: 6 of 8 could not be predicted, named above"]
    assert "Traceback" not in answer.stderr
    assert "DecompressionBombWarning" not in answer.stderr
    assert [path.name for path in sorted((tmp_path / "out" / "masks").iterdir())] == ["b.png", "e.png"]


def test_an_image_that_scales_make_too_small_for_the_network_is_named_and_the_rest_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (50, 40)).save(tmp_path / "a_small.png")
    Image.new("RGB", (90, 80)).save(tmp_path / "b.png")
    model = Segmenter(nn.Conv2d(3, 19, 1), stride=1).eval()
    network = Predictor(model, None, Inference(scales=(0.5, 1.0)), torch.device("cpu"))
    outputs = make_outputs(tmp_path / "out")
    items = find_inputs(tmp_path, outputs.folder)
    assert predict(items, network, outputs, batch_size=1, num_threads=1) == [items[0]]
    assert "a_small.png: image: found [1, 3, 20, 25]; allowed: " in capsys.readouterr().out
    assert [path.name for path in sorted((tmp_path / "out" / "masks").iterdir())] == ["b.png"]


@pytest.mark.parametrize("place", ["network", "writing"])
def test_an_image_that_the_memory_does_not_hold_is_named_and_the_rest_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    def network(images: np.ndarray) -> np.ndarray:
        if images.shape[2] < 200:
            return images[..., 0] % 19
        if place == "network":
            torch.empty(1 << 50)  # four petabytes
        return np.broadcast_to(np.uint8(0), (1, 1 << 25, 1 << 25))  # as one byte, until it is written

    Image.new("RGB", (300, 40)).save(tmp_path / "a_large.png")
    Image.new("RGB", (60, 40)).save(tmp_path / "b.png")
    outputs = make_outputs(tmp_path / "out")
    items = find_inputs(tmp_path, outputs.folder)
    assert predict(items, network, outputs, batch_size=1, num_threads=1) == [items[0]]
    assert "a_large.png: more memory is needed for its size than there is" in capsys.readouterr().out
    assert [path.name for path in sorted((tmp_path / "out" / "masks").iterdir())] == ["b.png"]


def test_an_image_that_the_memory_does_not_hold_unpacked_is_named_and_the_rest_is_written(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "a_large.png").write_bytes(b"P6 9000 9000 255\n")
    Image.new("RGB", (60, 40)).save(given / "b.png")
    answer = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, str(given), str(tmp_path / "out")], capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    assert f"skipped {given / 'a_large.png'}: more memory is needed for its size than there is" in answer.stdout
    assert [path.name for path in (tmp_path / "out" / "masks").iterdir()] == ["b.png"]


def test_an_error_that_only_mentions_memory_ends_the_command(tmp_path: Path) -> None:
    def network(images: np.ndarray) -> np.ndarray:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    Image.new("RGB", (60, 40)).save(tmp_path / "a.png")
    outputs = make_outputs(tmp_path / "out")
    with pytest.raises(RuntimeError, match="illegal memory access"):
        predict(find_inputs(tmp_path, outputs.folder), network, outputs, batch_size=1, num_threads=1)


def test_videos_of_which_nothing_would_be_written_are_refused(trained: RunFolder, tmp_path: Path) -> None:
    for name in ("day.mp4", "night.mkv"):
        (tmp_path / name).touch()
    cure = "probabilities are written of images only; add masks=label_ids or overlay=true"
    for place, named in ((tmp_path / "day.mp4", "day.mp4"), (tmp_path, "2 videos, the first is day.mp4")):
        answer = run_predict(trained, f"input={place}", f"output={tmp_path / 'out'}", *ONLY_PROBABILITIES)
        assert answer.returncode == 1
        message = answer.stderr.replace(f"{tmp_path}/", "")
        assert f"segexp.predict: input: nothing would be written of {named}: {cure}\n" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_beside_images_they_are_named_and_the_rest_is_written(trained: RunFolder, images: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "day.mp4").touch()
    (given / "b.png").write_bytes(next(images.rglob("*.png")).read_bytes())
    answer = run_predict(trained, f"input={given}", f"output={tmp_path / 'out'}", *ONLY_PROBABILITIES)
    assert answer.returncode == 0, answer.stderr
    assert f"left out: {given / 'day.mp4'}: probabilities are written of images only" in answer.stdout
    assert "1 of 1 predicted, 0 existed already" in answer.stdout
    assert {path.name for path in (tmp_path / "out").rglob("*.*")} == {"b.npy", "predictions.json"}


def test_names_that_cannot_be_written_or_shown_do_not_keep_the_others_from_it(
    trained: RunFolder, images: Path, tmp_path: Path
) -> None:
    """Of two files of one stem the predictions are named after stem and ending, which is too long here."""
    given = tmp_path / "given"
    given.mkdir()
    whole = next(images.rglob("*.png")).read_bytes()
    odd = os.fsdecode(b"[red] \xff")
    for name in ("n" * 251 + ".png", "n" * 251 + ".gif", f"{odd}.png", f"{odd} torn.png"):
        (given / name).write_bytes(whole[:100] if "torn" in name else whole)
    answer = run_predict(trained, f"input={given}", f"output={tmp_path / 'out'}")
    assert answer.returncode == 1
    assert answer.stdout.count("File name too long; choose another name") == 2
    assert "[red] \\udcff torn.png: not a readable image" in answer.stdout
    assert "3 of 4 could not be predicted" in answer.stderr
    assert [path.name for path in (tmp_path / "out").rglob("*.png")] == 2 * [f"{odd}.png"]


def test_the_first_frame_of_an_animation_is_predicted_and_a_message_says_so(
    trained: RunFolder, images: Path, tmp_path: Path
) -> None:
    frames = [Image.open(path).quantize(64) for path in sorted(images.rglob("*.png"))]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].convert("RGB").save(tmp_path / "still.png")
    for name in ("a.gif", "still.png"):
        answer = run_predict(trained, f"input={tmp_path / name}", f"output={tmp_path / 'out'}")
        assert answer.returncode == 0, answer.stderr
        assert ("a.gif: the first of its 3 frames is predicted" in answer.stdout) == (name == "a.gif")
    np.testing.assert_array_equal(*(mask(tmp_path / "out" / "masks" / f"{name}.png") for name in ("a", "still")))


def test_images_that_use_few_of_their_bits_are_scaled_as_asked_and_a_warning_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grey = np.random.default_rng(0).integers(0, 19, (40, 60), np.uint8)
    grey[0, 0] = 255
    Image.fromarray(grey.astype(np.uint16) << 4 | 15).save(tmp_path / "deep.png")
    Image.fromarray(grey).save(tmp_path / "plain.png")
    outputs = make_outputs(tmp_path / "out")
    items = find_inputs(tmp_path, outputs.folder)
    assert predict(items, lambda images: images[..., 0] % 19, outputs, 1, 1, bit_depth=12) == []
    np.testing.assert_array_equal(*(mask(tmp_path / f"out/masks/{name}.png") for name in ("deep", "plain")))
    warn_of_unused_bits(items, 12)
    assert "warning" not in capsys.readouterr().out
    warn_of_unused_bits(items, None)
    assert "warning: images store 16 bits a channel" in (said := capsys.readouterr().out)
    assert "set bit_depth=12" in said
