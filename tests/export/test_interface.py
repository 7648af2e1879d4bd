"""Files for other programs: another input, class ids, one size, another opset; each held against PyTorch."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx as onnx_library
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from segexp.config.compose import compose
from segexp.export import card, int8, onnx, parity
from segexp.export.artifacts import SUMMARY
from segexp.export.interface import Interface, interface_of
from segexp.export.settings import ExportSettings
from segexp.inference.model import load_model
from segexp.run.folder import RunFolder
from tests.export.exports import export_run

VARIANTS: dict[str, dict[str, Any]] = {
    "float32": {"input": "float32", "result": "class_ids"},
    "normalised": {"input": "normalised", "fixed_size": [64, 96]},
    "uint8": {"fixed_size": [70, 101], "result": "class_ids", "opset": 17},
    "torch": {"format": "torch_export", "input": "normalised", "result": "class_ids", "fixed_size": [64, 96]},
}
"""Settings of exports, in which each value of each key occurs."""


@pytest.fixture(
    scope="module",
    params=["uint8", "torch", *(pytest.param(name, marks=pytest.mark.slow) for name in ("float32", "normalised"))],
)
def exported(request: pytest.FixtureRequest, trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_run(trained, tmp_path_factory.mktemp("variant") / request.param, **VARIANTS[request.param])


def random_image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def logits_of(run: RunFolder, image: np.ndarray) -> Tensor:
    with torch.inference_mode():
        return load_model(run, "best").model(torch.from_numpy(image).permute(2, 0, 1)[None])


def assert_same_classes(class_ids: np.ndarray, logits: Tensor) -> None:
    first, second = logits.topk(2, 1).values.unbind(1)
    is_clear = (first - second > 1e-4 * logits.abs().max()).numpy()  # else rounding decides
    assert is_clear.mean() > 0.99
    np.testing.assert_array_equal(class_ids[is_clear], logits.argmax(1).numpy()[is_clear])


def test_the_code_on_the_card_segments_an_image(
    trained: RunFolder, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = re.search(r"```python\n(.*?)```", (exported / card.FILE).read_text(), re.DOTALL)
    assert code
    image = random_image(*VARIANTS[exported.name].get("fixed_size", [75, 110]))
    Image.fromarray(image).save(tmp_path / "street.png")
    for path in exported.glob("model.*"):
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code[1], names)
    assert_same_classes(np.asarray(names["prediction"]), logits_of(trained, image))


def test_what_was_asked_for_is_recorded_and_checked(exported: Path) -> None:
    summary, asked = json.loads((exported / SUMMARY).read_text()), VARIANTS[exported.name]
    assert {key: summary[key] for key in asked} == asked
    assert summary["mean"] == [0.485, 0.456, 0.406]
    shapes = [each["image"] for each in summary["checks"]]
    assert shapes == [[1, 3, *asked["fixed_size"]]] if "fixed_size" in asked else len(shapes) == 4
    text = (exported / card.FILE).read_text()
    assert ("Normalisation is not inside" in text) == (asked.get("input") == "normalised")
    assert ("`class_ids`: uint8" in text) == (asked.get("result") == "class_ids")


def test_names_types_and_sizes_stand_in_the_file(exported: Path) -> None:
    if not (exported / onnx.FILE).is_file():
        pytest.skip("torch's own format has no names")
    asked = VARIANTS[exported.name]
    session = onnxruntime.InferenceSession(exported / onnx.FILE)
    (image,), (result,) = session.get_inputs(), session.get_outputs()
    size = asked.get("fixed_size")
    assert image.shape == ([1, 3, *size] if size else ["batch", 3, "height", "width"])
    assert image.type == ("tensor(uint8)" if asked.get("input", "uint8") == "uint8" else "tensor(float)")
    assert result.name == asked.get("result", "logits")
    assert result.type == ("tensor(uint8)" if result.name == "class_ids" else "tensor(float)")
    opsets = {each.domain: each.version for each in onnx_library.load(exported / onnx.FILE).opset_import}
    assert opsets[""] == asked.get("opset", opsets[""])


@pytest.mark.slow
def test_opencv_computes_the_logits_of_a_file_of_one_size(trained: RunFolder, tmp_path: Path) -> None:
    folder = export_run(trained, tmp_path / "export", input="float32", fixed_size=[64, 96], opset=17)
    network = cv2.dnn.readNetFromONNX(str(folder / onnx.FILE))
    image = random_image(64, 96)
    network.setInput(cv2.dnn.blobFromImage(image, 1 / 255))
    expected = logits_of(trained, image).numpy()
    np.testing.assert_allclose(network.forward(), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
def test_a_quantised_file_takes_the_same_input(trained: RunFolder, tmp_path: Path) -> None:
    asked = {"input": "normalised", "fixed_size": [64, 128], "quantise": "int8", "num_calibration_images": 3}
    folder = export_run(trained, tmp_path / "export", **asked)
    (image,) = onnxruntime.InferenceSession(folder / int8.FILE).get_inputs()
    assert (image.type, image.shape) == ("tensor(float)", [1, 3, 64, 128])
    assert abs(json.loads((folder / SUMMARY).read_text())["int8"]["loss"]) < 0.1


def class_ids(logits: Tensor) -> Tensor:
    return logits.argmax(1).to(torch.uint8)


def test_wrong_class_ids_are_refused() -> None:
    interface = Interface("float32", "class_ids", (32, 48))
    torch.manual_seed(0)
    network = nn.Conv2d(3, 5, 3, padding=1)

    def check(answer: Callable[[Tensor], Tensor]) -> None:
        model, exported = (lambda image: network(image.float() / 255)), (lambda image: answer(network(image)))
        parity.refuse_difference(parity.compare_networks(model, exported, None, 1e-4, interface), 1e-4)

    with torch.no_grad():
        check(class_ids)
        with pytest.raises(ValueError, match="the exported network differs from the trained one"):
            check(lambda logits: (class_ids(logits) + 1) % 5)
        with pytest.raises(ValueError, match=r"with class \d of 5; nothing was written"):
            check(lambda logits: class_ids(logits) + 5)
        with pytest.raises(
            ValueError, match=r"with torch.float32 \[1, 5, 32, 48\] instead of torch.uint8 \[1, 32, 48\]"
        ):
            check(lambda logits: logits)


@pytest.mark.slow
def test_an_opset_that_the_network_cannot_be_written_in_is_refused(
    trained: RunFolder, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match=r"opset is 11, .*; leave out opset="):
        export_run(trained, tmp_path / "export", opset=11, fixed_size=[32, 32])
    assert "Traceback" not in capfd.readouterr().err
    assert not (tmp_path / "export").exists()


def test_a_network_without_normalisation_cannot_leave_it_out() -> None:
    settings = ExportSettings.of({**compose("export", ["run=RUN"], folders=[]), "input": "normalised"})
    with pytest.raises(ValueError, match="Conv2d has no buffers mean and std to leave out; allowed: uint8, float32"):
        interface_of(settings, nn.Conv2d(3, 5, 1))
