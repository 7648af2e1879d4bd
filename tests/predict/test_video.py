"""Videos in, videos out: every frame, at its time, upright."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from segexp.run.folder import RunFolder
from tests.predict.command import run_predict
from tests.predict.videos import TIMES, read_video, write_video

TURNED = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
"""The matrix of an MP4 that is to be shown turned by a quarter, clockwise (ISO 14496-12, 8.3.2)."""


@pytest.mark.parametrize(("form", "pixels"), [("label_ids", "gray"), ("class_ids", "gray"), ("colored", "rgb24")])
def test_each_frame_has_the_mask_that_an_image_of_it_has(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path, form: str, pixels: str
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    write_video(given / "video.mkv", frames, "ffv1", "bgr0")
    for number, image in enumerate(frames):
        Image.fromarray(image).save(given / f"{number}.png")
    answer = run_predict(trained, f"input={given}", f"output={tmp_path / 'out'}", f"masks={form}", "batch_size=2")
    assert answer.returncode == 0, answer.stderr
    masks, times = read_video(tmp_path / "out" / "masks" / "video.mkv", pixels)
    assert times == TIMES
    for number, predicted in enumerate(masks):
        of_image = Image.open(tmp_path / "out" / "masks" / f"{number}.png")
        expected = np.array(of_image.convert("RGB") if form == "colored" else of_image)
        differing = (predicted[:63, :127] != expected).mean()
        assert differing < 0.002, number  # batches of two: sums in another order may turn a tie
        assert predicted.shape[:2] == (64, 128)


def test_an_overlay_is_a_video_that_browsers_play(trained: RunFolder, frames: list[np.ndarray], tmp_path: Path) -> None:
    write_video(tmp_path / "video.mkv", frames, "ffv1", "bgr0")
    answer = run_predict(
        trained, f"input={tmp_path / 'video.mkv'}", f"output={tmp_path / 'out'}", "opacity=0", "masks=null"
    )
    assert answer.returncode == 0, answer.stderr
    with av.open(str(tmp_path / "out" / "overlays" / "video.mp4")) as video:
        context = video.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
    overlay, times = read_video(tmp_path / "out" / "overlays" / "video.mp4", "rgb24")
    assert times == TIMES
    for image, original in zip(overlay, frames, strict=True):
        assert np.abs(image[:63, :127].astype(int) - original).mean() < 12  # H.264 loses a little


def test_a_video_held_upright_is_predicted_upright(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path
) -> None:
    write_video(tmp_path / "video.mp4", [frame[:62, :126] for frame in frames], "libx264", "yuv420p")
    content = (tmp_path / "video.mp4").read_bytes()
    matrix = content.index(b"tkhd") + 44
    (tmp_path / "video.mp4").write_bytes(content[:matrix] + TURNED + content[matrix + 36 :])
    answer = run_predict(
        trained, f"input={tmp_path / 'video.mp4'}", f"output={tmp_path / 'out'}", "opacity=0", "masks=null"
    )
    assert answer.returncode == 0, answer.stderr
    overlay, _ = read_video(tmp_path / "out" / "overlays" / "video.mp4", "rgb24")
    upright = np.rot90(frames[0][:62, :126], -1)
    assert overlay[0].shape[1] == upright.shape[1]
    assert np.abs(overlay[0][: len(upright)].astype(int) - upright).mean() < 12


def test_a_video_that_was_cut_off_is_predicted_as_far_as_it_goes_and_a_message_says_so(
    trained: RunFolder, frames: list[np.ndarray], tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    write_video(given / "whole.mkv", 2 * frames, "ffv1", "bgr0", [1000 * number for number in range(10)])
    content = (given / "whole.mkv").read_bytes()
    (given / "cut.mkv").write_bytes(content[: len(content) // 2])
    answer = run_predict(trained, f"input={given}", f"output={tmp_path / 'out'}", "overlay=false")
    assert answer.returncode == 0, answer.stderr
    warnings = [line for line in answer.stdout.splitlines() if "is it cut off?" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{given / 'cut.mkv'}: its frames end after ")
    whole, cut = (read_video(tmp_path / "out" / "masks" / f"{name}.mkv", "gray")[0] for name in ("whole", "cut"))
    assert (len(whole), 0 < len(cut) < 8) == (10, True)
    np.testing.assert_array_equal(cut[0], whole[0])
