"""`segexp.load` predicts as the commands do."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import segexp
from segexp.inference.model import load_model
from segexp.run.folder import RunFolder


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def test_it_predicts_what_the_network_of_the_run_answers(trained: RunFolder, image: np.ndarray) -> None:
    loaded = segexp.load(trained.path, precision="float32", device="cpu")
    network = load_model(trained, "best")
    assert network.image_size is None
    with torch.inference_mode():
        logits = network.model(torch.from_numpy(image).permute(2, 0, 1)[None])
    assert loaded.grouping.names == network.grouping.names
    probabilities = logits.softmax(1)[0]
    assert np.allclose(loaded.probabilities(image), probabilities, atol=1e-5)
    best, second = probabilities.topk(2, 0).values
    is_clear = (best - second).numpy() > 1e-4
    assert is_clear.any()
    assert np.array_equal(loaded.predict(image)[is_clear], probabilities.argmax(0).numpy()[is_clear])
    colors = loaded.colored(loaded.predict(image))
    assert {tuple(color) for color in colors.reshape(-1, 3)} <= {tuple(color) for color in network.grouping.colors}


def test_keys_of_predict_change_how_the_network_is_run(trained: RunFolder, image: np.ndarray) -> None:
    plain, flipped = (segexp.load(trained.path, precision="float32", flip=flip) for flip in (False, True))
    mirrored = plain.probabilities(image[:, ::-1])[..., ::-1]
    assert np.allclose(flipped.probabilities(image), (plain.probabilities(image) + mirrored) / 2, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"checkpoint": "worst"}, "no checkpoint 'worst'"),
        ({"windw": [32, 32]}, "no key 'windw'.* has: window, stride"),
        ({"device": "tpu"}, "tpu"),
    ],
)
def test_a_wrong_argument_is_named(trained: RunFolder, arguments: dict, said: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        segexp.load(trained.path, **arguments)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((48, 64), np.uint8), np.zeros((48, 64, 3)), np.zeros((16, 64, 3), np.uint8), Image.new("RGB", (64, 48))],
)
def test_what_is_no_image_is_refused_with_what_is_allowed(trained: RunFolder, wrong: object) -> None:
    with pytest.raises(ValueError, match=re.escape("allowed: uint8 [height, width, 3], each side at least 32")):
        segexp.load(trained.path).predict(wrong)


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"no run folder {tmp_path / 'none'}"):
        segexp.load(tmp_path / "none")
