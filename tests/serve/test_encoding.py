"""The entity tag of an image depends on its bytes, and is computed once."""

import io

import numpy as np
from PIL import Image

from segexp.serve import encoding


def test_the_tag_of_an_image_depends_on_its_bytes_and_is_computed_once() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    encoded = encoding.encode_image(image)
    assert encoded.etag is encoded.etag
    assert encoded.etag == encoding.encode_image(image).etag
    assert encoded.etag != encoding.encode_image(image + 1).etag


def test_a_thumbnail_is_the_image_in_its_proportions_and_at_most_256_pixels_wide_and_high() -> None:
    rows, columns = np.mgrid[:300, :900]
    image = np.stack([rows * 255 // 300, columns * 255 // 900, 0 * rows], axis=2).astype(np.uint8)
    thumbnail = encoding.encode_thumbnail(image)
    decoded = Image.open(io.BytesIO(thumbnail))
    assert (decoded.format, decoded.size, thumbnail.media_type) == ("JPEG", (256, 85), "image/jpeg")
    assert np.abs(np.asarray(decoded).astype(int) - np.asarray(Image.fromarray(image).resize((256, 85)))).max() < 16
    assert Image.open(io.BytesIO(encoding.encode_thumbnail(image[:40, :50]))).size == (50, 40)
