"""Image files are decoded, or refused with the reason: torn, of odd EXIF data, too small, too large."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segexp.inference.image import decode_image, decode_image_and_count_frames

ORIENTATION, MAKER = 0x0112, 0x010F


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow says what is damaged, and reads on
def test_whatever_the_exif_data_holds_an_image_is_decoded_or_refused() -> None:
    """Every byte of it is changed in turn; any error but ValueError would end the prediction of a whole folder."""
    exif, content = Image.Exif(), io.BytesIO()
    exif[ORIENTATION], exif[MAKER] = 6, "maker"
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(content, "jpeg", exif=exif)
    whole, stored = content.getvalue(), exif.tobytes().removeprefix(b"Exif\0\0")
    start = whole.index(stored)
    refused = 0
    for place in range(start, start + len(stored)):
        for value in (0, 1, 5, 10, 26, 255):
            try:
                decode_image(io.BytesIO(whole[:place] + bytes([value]) + whole[place + 1 :]))
            except ValueError:
                refused += 1
    assert refused > 0


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    content = io.BytesIO()
    Image.new("L", (200, 100)).save(content, "png")
    with pytest.raises(ValueError, match="^100 x 200 pixels.*at most 19999 in all.*smaller"):
        decode_image(content, max_pixels=19_999)


def test_an_image_that_is_too_small_is_not_called_unreadable() -> None:
    content = io.BytesIO()
    Image.new("L", (200, 31)).save(content, "png")
    with pytest.raises(ValueError, match="^31 x 200 pixels.*at least 32 each way.*enlarge"):
        decode_image(content)


def test_an_image_of_more_pixels_than_pillow_decodes_is_not_called_unreadable() -> None:
    header = f"P5 {Image.MAX_IMAGE_PIXELS} 3 255\n"
    with pytest.raises(ValueError, match=r"^more than \d+ pixels.*smaller"):
        decode_image(io.BytesIO(header.encode()))


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tif", "jpg"])
def test_frames_of_animations_and_pages_are_counted(tmp_path: Path, ending: str) -> None:
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "green", "blue")]
    frames[0].save(tmp_path / f"one.{ending}")
    assert decode_image_and_count_frames(tmp_path / f"one.{ending}").num_frames == 1
    if ending == "jpg":  # as phones store previews and depths
        frames[0].save(tmp_path / "many.jpg", "mpo", save_all=True, append_images=frames[1:])
    else:
        frames[0].save(tmp_path / f"many.{ending}", save_all=True, append_images=frames[1:])
    decoded = decode_image_and_count_frames(tmp_path / f"many.{ending}")
    assert decoded.num_frames == (1 if ending == "jpg" else 3)
    np.testing.assert_array_equal(decoded.image, decode_image(tmp_path / f"many.{ending}"))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow says what is damaged, and reads on
@pytest.mark.parametrize("ending", ["gif", "tif"])
def test_a_torn_further_frame_costs_its_count_alone(tmp_path: Path, ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 40, 40), np.uint8)
    frames = [Image.fromarray(each) for each in noise]
    whole = tmp_path / f"whole.{ending}"
    frames[0].save(whole, save_all=True, append_images=frames[1:])
    content = whole.read_bytes()
    for kept in (-100, -len(content) // 3):
        (tmp_path / f"torn.{ending}").write_bytes(content[:kept])
        decoded = decode_image_and_count_frames(tmp_path / f"torn.{ending}")
        assert 1 <= decoded.num_frames <= 3
        np.testing.assert_array_equal(decoded.image, decode_image(whole))
