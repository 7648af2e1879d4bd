"""Films in, films out: every frame, at its time, upright."""

import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from segexp.prediction.film import _film
from segexp.prediction.inputs import find
from segexp.prediction.predict import predict
from segexp.run import RunFolder
from tests.prediction.command import class_ids_to, mask, predicted, val_pairs

TIMES = [0, 40, 120, 130, 200]
"""Milliseconds: films of phones have no even rate."""
TURNED = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
"""The matrix of an MP4 that is to be shown turned by a quarter, clockwise (ISO 14496-12, 8.3.2)."""

HELD = """
import runpy, select, signal, sys
import torch

signal.signal(signal.SIGINT, signal.default_int_handler)  # shells make background jobs deaf to it

def hold(network, arguments):
    print("held", flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:  # in turns: a signal just before one is seen after it
        pass

torch.nn.modules.module.register_module_forward_pre_hook(hold)
sys.argv[0] = "segexp.predict"
runpy.run_module("segexp.predict", run_name="__main__")
"""
"""The command, whose network waits when it is given the first frame."""

LIMIT = "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))"
FAILING = """
import sys
from pathlib import Path
from rich.progress import Progress
from segexp import build, classes
from segexp.prediction.film import predict_film
from segexp.prediction.inputs import Input
from segexp.prediction.outputs import Outputs

calls = []
def network(images):
    calls.append(1)
    if len(calls) > 2:
        raise RuntimeError("the network fails")
    return images[..., 0] % 19

grouping = build.grouping(build.compose("train", ["classes=cityscapes19"]))
outputs = Outputs(Path(sys.argv[2]), grouping, classes.CITYSCAPES, "class_ids", True, 0.5, False)
predict_film(Input(Path(sys.argv[1]), "film", True), network, outputs, 1, Progress())
"""


@pytest.fixture
def frames(trained: RunFolder) -> list[np.ndarray]:
    pictures = [np.array(Image.open(pair.image).convert("RGB")) for pair in val_pairs(trained)]
    return [pictures[number % len(pictures)][:63, :127] for number in range(len(TIMES))]  # odd sizes


def write(path: Path, frames: list[np.ndarray], codec: str, pixels: str, times: Sequence[int] = TIMES) -> None:
    with av.open(str(path), "w") as film:
        stream = film.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for image, time in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())


def read(path: Path, pixels: str) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as film:
        found = list(film.decode(film.streams.video[0]))
    return [frame.to_ndarray(format=pixels) for frame in found], [round(1000 * frame.time) for frame in found]


@pytest.mark.parametrize(("form", "pixels"), [("label_ids", "gray"), ("class_ids", "gray"), ("colored", "rgb24")])
def test_each_frame_has_the_mask_that_a_photo_of_it_has(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path, form: str, pixels: str
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    write(given / "film.mkv", frames, "ffv1", "bgr0")
    for number, image in enumerate(frames):
        Image.fromarray(image).save(given / f"{number}.png")
    answer = predicted(trained, f"input={given}", f"output={tmp_path / 'out'}", f"masks={form}", "batch_size=2")
    assert answer.returncode == 0, answer.stderr
    masks, times = read(tmp_path / "out" / "masks" / "film.mkv", pixels)
    assert times == TIMES
    for number, found in enumerate(masks):
        of_photo = Image.open(tmp_path / "out" / "masks" / f"{number}.png")
        expected = np.array(of_photo.convert("RGB") if form == "colored" else of_photo)
        differing = (found[:63, :127] != expected).mean()
        assert differing < 0.002, number  # batches of two: sums in another order may turn a tie
        assert found.shape[:2] == (64, 128)


def test_an_overlay_is_a_film_that_browsers_play(trained: RunFolder, frames: list[np.ndarray], tmp_path: Path) -> None:
    write(tmp_path / "film.mkv", frames, "ffv1", "bgr0")
    answer = predicted(
        trained, f"input={tmp_path / 'film.mkv'}", f"output={tmp_path / 'out'}", "opacity=0", "masks=null"
    )
    assert answer.returncode == 0, answer.stderr
    with av.open(str(tmp_path / "out" / "overlays" / "film.mp4")) as film:
        context = film.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
    shown, times = read(tmp_path / "out" / "overlays" / "film.mp4", "rgb24")
    assert times == TIMES
    for image, original in zip(shown, frames, strict=True):
        assert np.abs(image[:63, :127].astype(int) - original).mean() < 12  # H.264 loses a little


def test_a_film_held_upright_is_predicted_upright(trained: RunFolder, frames: list[np.ndarray], tmp_path: Path) -> None:
    write(tmp_path / "film.mp4", [frame[:62, :126] for frame in frames], "libx264", "yuv420p")
    content = (tmp_path / "film.mp4").read_bytes()
    matrix = content.index(b"tkhd") + 44
    (tmp_path / "film.mp4").write_bytes(content[:matrix] + TURNED + content[matrix + 36 :])
    answer = predicted(
        trained, f"input={tmp_path / 'film.mp4'}", f"output={tmp_path / 'out'}", "opacity=0", "masks=null"
    )
    assert answer.returncode == 0, answer.stderr
    shown, _ = read(tmp_path / "out" / "overlays" / "film.mp4", "rgb24")
    upright = np.rot90(frames[0][:62, :126], -1)
    assert shown[0].shape[1] == upright.shape[1]
    assert np.abs(shown[0][: len(upright)].astype(int) - upright).mean() < 12


@pytest.mark.parametrize("share", [0.1, 0.7])
def test_a_torn_film_is_named_and_leaves_nothing(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path, share: float
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    write(given / "torn.mp4", frames[:5], "libx264", "yuv444p")
    content = (given / "torn.mp4").read_bytes()
    (given / "torn.mp4").write_bytes(content[: round(share * len(content))])
    Image.fromarray(frames[0]).save(given / "photo.png")
    answer = predicted(trained, f"input={given}", f"output={tmp_path / 'out'}")
    assert answer.returncode == 1
    assert f"skipped {given / 'torn.mp4'}: torn, or no film" in answer.stdout
    assert {path.name for path in (tmp_path / "out").rglob("*.*")} == {"photo.png", "predictions.json"}


def test_a_film_that_was_cut_off_is_predicted_as_far_as_it_goes_and_that_is_said(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    write(given / "whole.mkv", 2 * frames, "ffv1", "bgr0", [1000 * number for number in range(10)])
    content = (given / "whole.mkv").read_bytes()
    (given / "cut.mkv").write_bytes(content[: len(content) // 2])
    answer = predicted(trained, f"input={given}", f"output={tmp_path / 'out'}", "overlay=false")
    assert answer.returncode == 0, answer.stderr
    said = [line for line in answer.stdout.splitlines() if "is it cut off?" in line]
    assert len(said) == 1
    assert said[0].startswith(f"{given / 'cut.mkv'}: its frames end after ")
    whole, cut = (read(tmp_path / "out" / "masks" / f"{name}.mkv", "gray")[0] for name in ("whole", "cut"))
    assert (len(whole), 0 < len(cut) < 8) == (10, True)
    np.testing.assert_array_equal(cut[0], whole[0])


def test_films_of_several_sizes_or_too_long_a_name_are_named_and_leave_nothing(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    for height in (62, 40):  # of this container whole films may follow each other
        write(tmp_path / "part.ts", [frame[:height, :126] for frame in frames], "libx264", "yuv420p")
        with (given / "film.ts").open("ab") as file:
            file.write((tmp_path / "part.ts").read_bytes())
    (tmp_path / "part.ts").rename(given / ("n" * 252 + ".ts"))  # .mkv is longer
    answer = predicted(trained, f"input={given}", f"output={tmp_path / 'out'}")
    assert answer.returncode == 1
    assert (
        f"skipped {given / 'film.ts'}: its frames have 62 x 126 pixels, and 40 x 126 from frame 5 on" in answer.stdout
    )
    assert "File name too long; choose another name" in answer.stdout
    assert "2 of 2 could not be predicted" in answer.stderr
    assert [path.name for path in (tmp_path / "out").rglob("*.*")] == ["predictions.json"]


def parts(out: Path) -> set[Path]:
    return set(out.glob("*/.*.part"))


def started(run: RunFolder, film: Path, out: Path) -> subprocess.Popen[str]:
    """A command in the middle of a film, where it stays as long as nobody closes its input."""
    arguments = [f"run={run.path}", "checkpoint=last", f"input={film}", f"output={out}", "device=cpu"]
    command = [sys.executable, "-c", HELD, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_in_the_middle_of_a_film_leaves_nothing_of_it(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    write(tmp_path / "film.mkv", frames, "ffv1", "bgr0")
    with started(trained, tmp_path / "film.mkv", tmp_path / "out") as process:
        process.send_signal(sent)
        assert process.wait(timeout=120) == status
    assert [path.name for path in (tmp_path / "out").rglob("*.*")] == ["predictions.json"]


def test_what_a_killed_command_left_of_a_film_is_removed_by_the_next_and_no_living_ones(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path
) -> None:
    write(tmp_path / "film.mkv", frames, "ffv1", "bgr0")
    write(tmp_path / "next.mkv", frames, "ffv1", "bgr0")
    out = tmp_path / "out"
    with started(trained, tmp_path / "film.mkv", out) as killed:
        killed.kill()
    left = parts(out)
    with started(trained, tmp_path / "film.mkv", out) as living:
        written = parts(out)
        assert (len(left), len(written), left & written) == (2, 2, set())
        assert predicted(trained, f"input={tmp_path / 'next.mkv'}", f"output={out}").returncode == 0
        assert parts(out) == written
        living.terminate()
    assert {path.name for path in out.rglob("*.*")} == {"predictions.json", "next.mkv", "next.mp4"}


def test_photos_and_films_can_go_on_where_they_stopped(trained: RunFolder, frames: list[np.ndarray], tmp_path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    write(given / "film.mkv", frames, "ffv1", "bgr0")
    Image.fromarray(frames[0]).save(given / "photo.png")
    out = tmp_path / "out"
    assert predicted(trained, f"input={given}", f"output={out}").returncode == 0
    (out / "overlays" / "film.mp4").unlink()
    answer = predicted(trained, f"input={given}", f"output={out}", "on_existing=skip")
    assert "1 of 2 predicted, 1 were there already" in answer.stdout
    assert (mask(out / "masks" / "photo.png").size, (out / "overlays" / "film.mp4").exists()) == (63 * 127, True)


def test_a_full_disk_ends_a_film_with_its_reason(trained: RunFolder, frames: list[np.ndarray], tmp_path: Path) -> None:
    """A limit of the size of files stands in for the disk."""
    write(tmp_path / "film.mkv", frames, "ffv1", "bgr0")
    arguments = [
        f"run={trained.path}",
        "checkpoint=last",
        f"input={tmp_path / 'film.mkv'}",
        f"output={tmp_path / 'out'}",
    ]
    limit = f"import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); {LIMIT}; import runpy, sys"
    code = (
        f"{limit}; sys.argv = ['segexp.predict', *{arguments}]; runpy.run_module('segexp.predict', run_name='__main__')"
    )
    answer = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True)  # -B: no torn .pyc
    assert answer.returncode == 1
    assert "could not write" in answer.stderr
    assert "free some space" in answer.stderr
    assert "torn" not in answer.stdout + answer.stderr
    assert list((tmp_path / "out").rglob("*film*")) == []


def test_a_film_that_an_encoder_does_not_take_is_named_with_its_output_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """x264 takes 16384 pixels a row; FFV1, of the film and of the masks, takes more."""
    given = tmp_path / "given"
    given.mkdir()
    write(given / "wide.mkv", [np.zeros((32, 16386, 3), np.uint8)], "ffv1", "bgr0", [0])
    outputs = class_ids_to(tmp_path / "out")
    items = find(given, outputs.folder)
    assert predict(items, lambda images: images[..., 0], outputs, batch_size=1, num_threads=1) == items
    film = outputs.folder / "overlays" / "wide.mp4"
    assert f"skipped {given / 'wide.mkv'}: could not write {film}: libx264 fails (" in capsys.readouterr().out
    assert [path for path in outputs.folder.rglob("*") if path.is_file()] == []


def test_an_encoder_that_is_not_there_is_named_with_the_cure(frames: list[np.ndarray], tmp_path: Path) -> None:
    write(tmp_path / "film.mkv", frames, "ffv1", "bgr0")
    with av.open(str(tmp_path / "film.mkv")) as film:
        writing = _film(tmp_path / "out.mp4", "mp4", film.streams.video[0], "libx999", "yuv420p")
        with pytest.raises(ValueError, match="has no encoder libx999; install the av of PyPI.*overlay=false"), writing:
            pytest.fail("nothing can be written")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


def test_a_network_that_fails_within_a_film_is_an_error_and_no_crash(frames: list[np.ndarray], tmp_path: Path) -> None:
    """Frames are still being encoded when it fails; their films must not be closed before that has ended."""
    large = [np.tile(frame, (8, 8, 1)) for frame in frames]
    write(tmp_path / "film.mkv", large, "ffv1", "bgr0")
    command = [sys.executable, "-c", FAILING, str(tmp_path / "film.mkv"), str(tmp_path / "out")]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 1
    assert "RuntimeError: the network fails" in answer.stderr
    assert list((tmp_path / "out").rglob("*film*")) == []
