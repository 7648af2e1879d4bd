"""The entity tag of a PNG depends on its bytes, and is computed once."""

import numpy as np

from segexp.serve import png


def test_the_tag_of_an_image_depends_on_its_bytes_and_is_computed_once() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    encoded = png.encode_image(image)
    assert encoded.etag is encoded.etag
    assert encoded.etag == png.encode_image(image).etag
    assert encoded.etag != png.encode_image(image + 1).etag
