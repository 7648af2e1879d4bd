"""The renderer knows nothing of segexp, hence keeps a label table of its own; this holds the two equal."""

import numpy as np

from segexp.classes import mask_value
from segexp.data.cityscapes import CITYSCAPES
from segexp.streetscenes.labels import LABELS, palette


def test_labels_of_rendered_scenes_are_those_of_cityscapes() -> None:
    expected = {label.name: (label.id, label.color, label.has_instances) for label in CITYSCAPES.labels}
    assert {name: tuple(label) for name, label in LABELS.items()} == expected


def test_palette_gives_each_label_its_colour_and_black_to_other_bytes() -> None:
    expected = np.zeros((256, 3), dtype=np.uint8)
    for label in CITYSCAPES.labels:
        expected[mask_value(label.id)] = label.color
    np.testing.assert_array_equal(palette(), expected)
