"""Files that many ask for are made, and described, once."""

import numpy as np

from segexp.serve import png


def test_what_http_knows_a_picture_by_is_of_its_bytes_and_worked_out_once() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    found = png.picture(image)
    assert found.etag is found.etag
    assert found.etag == png.picture(image).etag
    assert found.etag != png.picture(image + 1).etag
