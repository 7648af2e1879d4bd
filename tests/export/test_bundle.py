"""Every file of an export, held against the run and the libraries that will read it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx as onnx_library
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from segexp.evaluate.files import save_evaluation
from segexp.evaluate.split import evaluate, prepare_evaluation
from segexp.export import bundle, int8, onnx, torch_export
from segexp.export.metadata import evaluations_of_weights
from segexp.export.parity import NATIVE
from segexp.inference.model import load_model
from segexp.inference.trusted_parts import source_of_run
from segexp.run import checkpoint
from segexp.run.folder import RunFolder
from tests.evaluate.options import evaluate_settings
from tests.export.exports import copy_run, export_run
from tests.process import PATIENCE


@pytest.fixture(scope="module")
def run(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """An evaluated run."""
    run = copy_run(trained, tmp_path_factory.mktemp("run"))
    save_evaluation(evaluate(prepare_evaluation(run, evaluate_settings())), run, run.evaluation("val"))
    return run


@pytest.fixture(scope="module")
def quantised(run: RunFolder) -> Path:
    return export_run(run, run.path / "export", quantise="int8", num_calibration_images=3)


@pytest.fixture(scope="module")
def graph(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_run(run, tmp_path_factory.mktemp("graph") / "export", format="torch_export")


def test_every_file_is_there_and_listed(quantised: Path, graph: Path) -> None:
    expected = [onnx.FILE, int8.FILE, bundle.WEIGHTS, bundle.card.FILE, bundle.SUMMARY]
    assert {path.name for path in quantised.iterdir()} == set(expected)
    summary = json.loads((quantised / bundle.SUMMARY).read_text())
    assert summary["bytes"] == {name: (quantised / name).stat().st_size for name in expected[:-1]}
    assert len(summary["checks"]) >= 3
    assert (graph / torch_export.FILE).is_file()
    assert not (graph / onnx.FILE).exists()


def test_names_types_and_free_sizes_stand_in_the_file(quantised: Path) -> None:
    for name in (onnx.FILE, int8.FILE):
        session = onnxruntime.InferenceSession(quantised / name)
        (image,), (logits,) = session.get_inputs(), session.get_outputs()
        assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["batch", 3, "height", "width"])
        assert (logits.name, logits.type) == ("logits", "tensor(float)")
        assert logits.shape == ["batch", 19, "height", "width"]
        (output,) = session.run(None, {"image": np.zeros((2, 3, 33, 47), np.uint8)})
        assert (output.dtype, output.shape) == (np.float32, (2, 19, 33, 47))


def test_every_file_holds_the_same_metadata(run: RunFolder, quantised: Path, graph: Path) -> None:
    summary = json.loads((quantised / bundle.SUMMARY).read_text())
    texts = onnxruntime.InferenceSession(quantised / onnx.FILE).get_modelmeta().custom_metadata_map
    with safe_open(quantised / bundle.WEIGHTS, "pt") as weights:
        assert weights.metadata() == texts
    assert onnxruntime.InferenceSession(quantised / int8.FILE).get_modelmeta().custom_metadata_map == texts
    extra = {torch_export.METADATA: ""}
    torch.export.load(graph / torch_export.FILE, extra_files=extra)
    metadata = json.loads(extra[torch_export.METADATA])
    assert {key: onnx.as_text(value) for key, value in metadata.items()} == texts
    assert metadata.items() <= summary.items()
    assert metadata["classes"][:2] == ["road", "sidewalk"]
    assert metadata["label_ids"][:2] == [7, 8]  # of Cityscapes
    assert metadata["colors"][0] == [128, 64, 128]
    assert (metadata["void"], metadata["run"], metadata["image_size"]) == (255, "outputs/run", None)
    assert metadata["step"] == load_model(run, "best").step
    assert metadata["scores"]["val"]["miou"] == run.scores("val")["metrics"]["miou"]


def test_no_path_of_the_code_is_in_a_file(quantised: Path, graph: Path) -> None:
    for path in (*quantised.iterdir(), *graph.iterdir()):
        assert str(Path(__file__).parents[2]).encode() not in path.read_bytes(), path.name


def test_weights_are_those_of_the_checkpoint(run: RunFolder, quantised: Path) -> None:
    stored, expected = load_file(quantised / bundle.WEIGHTS), checkpoint.model_weights(run.checkpoint("best"))
    assert stored.keys() == expected.keys()
    assert all(torch.equal(stored[key], value) for key, value in expected.items())


def test_scores_of_the_file_are_those_of_the_evaluation(run: RunFolder, quantised: Path) -> None:
    summary = json.loads((quantised / bundle.SUMMARY).read_text())
    assert all(each["pixels_of_another_class"] < 0.002 for each in summary["checks"])
    cost = summary["int8"]
    assert cost["miou_float32"] == pytest.approx(run.scores("val")["metrics"]["miou"], rel=0.02)  # a tie or two
    assert cost["loss"] == pytest.approx(cost["miou_float32"] - cost["miou_int8"])
    assert (cost["split"], cost["num_images"], cost["num_calibration_images"]) == ("val", 3, 3)


def test_eight_bits_change_the_logits_little(run: RunFolder, quantised: Path) -> None:
    source, _ = source_of_run(run, {})
    for pair in source.pairs("val"):
        image = np.array(Image.open(pair.image)).transpose(2, 0, 1)[None]
        sessions = (onnxruntime.InferenceSession(quantised / name) for name in (onnx.FILE, int8.FILE))
        exact, rounded = (session.run(None, {"image": image})[0] for session in sessions)
        assert 0 < np.abs(exact - rounded).mean() < 0.05 * exact.std()


def test_every_convolution_of_the_int8_file_has_weights_of_8_bits(quantised: Path) -> None:
    graph = onnx_library.load(quantised / int8.FILE).graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type in ("Conv", "ConvTranspose")]
    assert len(convolutions) > 5
    for node in convolutions:
        dequantised = producers[node.input[1]]
        assert dequantised.op_type == "DequantizeLinear"
        assert types[dequantised.input[0]] == onnx_library.TensorProto.INT8


@pytest.mark.parametrize("kind", ["quantised", "graph"])
def test_the_code_on_the_card_segments_an_image(run: RunFolder, kind: str, request, tmp_path: Path) -> None:
    folder: Path = request.getfixturevalue(kind)
    code = re.search(r"```python\n(.*?)```", (folder / bundle.card.FILE).read_text(), re.DOTALL)
    assert code
    image = np.random.default_rng(0).integers(0, 256, (75, 110, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "street.png")
    for path in folder.glob("model.*"):
        (tmp_path / path.name).symlink_to(path)
    alone = "import sys; sys.modules |= dict.fromkeys(['segexp', 'torchvision'])\n"
    answer = "\nnumpy.save('prediction.npy', prediction)"
    subprocess.run([sys.executable, "-c", alone + code[1] + answer], cwd=tmp_path, check=True, timeout=PATIENCE)
    with torch.inference_mode():
        logits = load_model(run, "best").model(torch.from_numpy(image).permute(2, 0, 1)[None])
    first, second = logits.topk(2, 1).values.unbind(1)
    is_clear = (first - second > 1e-4 * logits.abs().max()).numpy()  # else rounding decides
    assert is_clear.mean() > 0.99
    np.testing.assert_array_equal(np.load(tmp_path / "prediction.npy")[is_clear], logits.argmax(1).numpy()[is_clear])


def test_the_card_has_scores_data_and_the_command_of_the_training(run: RunFolder, quantised: Path) -> None:
    text = (quantised / bundle.card.FILE).read_text()
    assert f"| miou | {run.scores('val')['metrics']['miou']:.4f} |" in text
    assert "| 0 | road | \\#804080 | 7 |" in text
    assert run.environment["data"]["train"] in text
    assert "python -m segexp.train classes=cityscapes8 'model.streams=[4,8]'" in text
    assert " × ".join(map(str, (1, 3, *NATIVE))) in text


def test_scores_of_other_weights_are_left_out(run: RunFolder, tmp_path: Path) -> None:
    other = copy_run(run, tmp_path)
    scores = run.scores("val") | {"step": 1}
    other.evaluation("val").mkdir(parents=True)
    (other.evaluation("val") / "metrics.json").write_text(json.dumps(scores))
    assert evaluations_of_weights(other, load_model(other, "best").step, None) == {}
