"""Videos that cannot be read, written or finished are named, and nothing of them is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from segexp.predict.inputs import find_inputs
from segexp.predict.predict import predict
from segexp.predict.video import _video_writer
from segexp.run.folder import RunFolder
from tests.predict.command import make_outputs, mask, run_predict
from tests.predict.videos import write_video
from tests.process import PATIENCE
from tests.warm_process import run_module

PAUSED = """
import runpy, select, signal, sys
import torch

signal.signal(signal.SIGINT, signal.default_int_handler)  # shells make background jobs deaf to it

def hold(network, arguments):
    if type(network).__name__ != "GridNet" or arguments[0].shape[-1] == arguments[0].shape[-2]:
        return  # it is only being made ready, by a square image
    print("held", flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:  # in turns: a signal just before one is seen after it
        pass

torch.nn.modules.module.register_module_forward_pre_hook(hold)
sys.argv[0] = "segexp.predict"
runpy.run_module("segexp.predict", run_name="__main__")
"""
"""The command, whose network waits when it is given the first frame."""


@pytest.mark.parametrize("share", [0.1, 0.7])
def test_a_torn_video_is_named_and_leaves_nothing(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path, share: float
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    write_video(given / "torn.mp4", frames[:5], "libx264", "yuv444p")
    content = (given / "torn.mp4").read_bytes()
    (given / "torn.mp4").write_bytes(content[: round(share * len(content))])
    Image.fromarray(frames[0]).save(given / "image.png")
    answer = run_predict(trained, f"input={given}", f"output={tmp_path / 'out'}")
    assert answer.returncode == 1
    assert f"skipped {given / 'torn.mp4'}: damaged, or not a video" in answer.stdout
    assert {path.name for path in (tmp_path / "out").rglob("*.*")} == {"image.png", "predictions.json"}


def test_videos_of_several_sizes_or_too_long_a_name_are_named_and_leave_nothing(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    for height in (62, 40):  # of this container whole videos may follow each other
        write_video(tmp_path / "part.ts", [frame[:height, :126] for frame in frames], "libx264", "yuv420p")
        with (given / "video.ts").open("ab") as file:
            file.write((tmp_path / "part.ts").read_bytes())
    (tmp_path / "part.ts").rename(given / ("n" * 252 + ".ts"))  # .mkv is longer
    answer = run_predict(trained, f"input={given}", f"output={tmp_path / 'out'}")
    assert answer.returncode == 1
    assert (
        f"skipped {given / 'video.ts'}: its frames have 62 x 126 pixels, and from frame 5 on 40 x 126" in answer.stdout
    )
    assert "File name too long; choose another name" in answer.stdout
    assert "2 of 2 could not be predicted" in answer.stderr
    assert [path.name for path in (tmp_path / "out").rglob("*.*")] == ["predictions.json"]


def parts(out: Path) -> set[Path]:
    return set(out.glob("*/.*.part"))


def start_paused(run: RunFolder, video: Path, out: Path) -> subprocess.Popen[str]:
    """A command in the middle of a video, where it stays as long as nobody closes its input."""
    arguments = [f"run={run.path}", "checkpoint=last", f"input={video}", f"output={out}", "device=cpu"]
    command = [sys.executable, "-c", PAUSED, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "held\n" in iter(process.stdout.readline, "")
    return process


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_in_the_middle_of_a_video_leaves_nothing_of_it(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    write_video(tmp_path / "video.mkv", frames, "ffv1", "bgr0")
    with start_paused(trained, tmp_path / "video.mkv", tmp_path / "out") as process:
        process.send_signal(sent)
        assert process.wait(PATIENCE) == status
    assert [path.name for path in (tmp_path / "out").rglob("*.*")] == ["predictions.json"]


@pytest.mark.slow
def test_what_a_killed_command_left_of_a_video_is_removed_by_the_next_and_no_living_ones(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path
) -> None:
    write_video(tmp_path / "video.mkv", frames, "ffv1", "bgr0")
    write_video(tmp_path / "next.mkv", frames, "ffv1", "bgr0")
    out = tmp_path / "out"
    with start_paused(trained, tmp_path / "video.mkv", out) as killed:
        killed.kill()
    left = parts(out)
    with start_paused(trained, tmp_path / "video.mkv", out) as living:
        written = parts(out)
        assert (len(left), len(written), left & written) == (2, 2, set())
        assert run_predict(trained, f"input={tmp_path / 'next.mkv'}", f"output={out}").returncode == 0
        assert parts(out) == written
        living.terminate()
    assert {path.name for path in out.rglob("*.*")} == {"predictions.json", "next.mkv", "next.mp4"}


@pytest.mark.slow
def test_images_and_videos_can_go_on_where_they_stopped(trained: RunFolder, frames: list[np.ndarray], tmp_path) -> None:
    given = tmp_path / "given"
    given.mkdir()
    write_video(given / "video.mkv", frames, "ffv1", "bgr0")
    Image.fromarray(frames[0]).save(given / "image.png")
    out = tmp_path / "out"
    assert run_predict(trained, f"input={given}", f"output={out}").returncode == 0
    (out / "overlays" / "video.mp4").unlink()
    answer = run_predict(trained, f"input={given}", f"output={out}", "on_existing=skip")
    assert "1 of 2 predicted, 1 existed already" in answer.stdout
    assert (mask(out / "masks" / "image.png").size, (out / "overlays" / "video.mp4").exists()) == (63 * 127, True)


def test_a_full_disk_ends_a_video_with_its_reason(trained: RunFolder, frames: list[np.ndarray], tmp_path: Path) -> None:
    """A limit of the size of files stands in for the disk."""
    write_video(tmp_path / "video.mkv", frames, "ffv1", "bgr0")
    arguments = [
        f"run={trained.path}",
        "checkpoint=last",
        f"input={tmp_path / 'video.mkv'}",
        f"output={tmp_path / 'out'}",
    ]
    answer = run_module("tests.predict.small_files", *arguments, environment=os.environ)
    assert answer.returncode == 1
    assert "could not write" in answer.stderr
    assert "free some space" in answer.stderr
    assert "torn" not in answer.stdout + answer.stderr
    assert list((tmp_path / "out").rglob("*video*")) == []


def test_a_video_that_an_encoder_does_not_take_is_named_with_its_output_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """x264 takes 16384 pixels a row; FFV1, of the video and of the masks, takes more."""
    given = tmp_path / "given"
    given.mkdir()
    write_video(given / "wide.mkv", [np.zeros((32, 16386, 3), np.uint8)], "ffv1", "bgr0", [0])
    outputs = make_outputs(tmp_path / "out")
    items = find_inputs(given, outputs.folder)
    assert predict(items, lambda images: images[..., 0], outputs, batch_size=1, num_threads=1) == items
    video = outputs.folder / "overlays" / "wide.mp4"
    assert f"skipped {given / 'wide.mkv'}: could not write {video}: libx264 fails (" in capsys.readouterr().out
    assert [path for path in outputs.folder.rglob("*") if path.is_file()] == []


def test_an_encoder_that_is_not_there_is_named_with_the_cure(frames: list[np.ndarray], tmp_path: Path) -> None:
    write_video(tmp_path / "video.mkv", frames, "ffv1", "bgr0")
    with av.open(str(tmp_path / "video.mkv")) as video:
        writing = _video_writer(tmp_path / "out.mp4", "mp4", video.streams.video[0], "libx999", "yuv420p")
        with pytest.raises(ValueError, match="has no encoder libx999; install the av of PyPI.*overlay=false"), writing:
            pytest.fail("nothing can be written")
    assert [path.name for path in tmp_path.iterdir()] == ["video.mkv"]


def test_a_network_that_fails_within_a_video_is_an_error_and_no_crash(frames: list[np.ndarray], tmp_path: Path) -> None:
    """Frames are still being encoded when it fails; their videos must not be closed before that has ended."""
    large = [np.tile(frame, (8, 8, 1)) for frame in frames]
    write_video(tmp_path / "video.mkv", large, "ffv1", "bgr0")
    places = [str(tmp_path / "video.mkv"), str(tmp_path / "out")]
    answer = run_module("tests.predict.failing_network", *places, environment=os.environ)
    assert answer.returncode == 1
    assert "RuntimeError: the network fails" in answer.stderr
    assert list((tmp_path / "out").rglob("*video*")) == []
