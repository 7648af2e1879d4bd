"""quantise=int8: 8-bit weights and features, and the loss of mIoU that they cost."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from torch import Tensor

from segexp.export import artifacts, onnx
from segexp.export.capture import first_line
from segexp.export.interface import Interface
from segexp.export.labeled_split import LabeledSplit, mean_iou

if TYPE_CHECKING:
    from onnx import ModelProto

FILE = artifacts.INT8
NOTABLE_LOSS = 0.01


class QuantisationCost(NamedTuple):
    """Mean IoU of both files on the same num_images images of a split.

    num_calibration_images: of the training split.
    """

    split: str
    num_images: int
    num_calibration_images: int
    miou_float32: float
    miou_int8: float

    @property
    def loss(self) -> float:
        return self.miou_float32 - self.miou_int8


class CalibrationReader:
    """Hands onnxruntime one batch after the other, as its CalibrationDataReader does. images: [1, 3, H, W]."""

    def __init__(self, images: Iterable[Tensor]) -> None:
        self._images = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._images, None)
        return None if image is None else {onnx.IMAGE: image.numpy()}


def write(source: Path, metadata: Mapping[str, Any], images: Iterable[Tensor], path: Path) -> None:
    """Write the ONNX file `source` again with 8 bits: each operation between a quantised input and output (QDQ).

    images: [1, 3, H, W] as the file takes them; 8 bits reach from a feature's smallest value in them to its largest.
    Weights have a scale for each channel and 7 of the 8 bits: products of 8 bits overflow on processors without VNNI.
    Raises ValueError where onnxruntime cannot.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".int8") as folder:
            quantised = _quantise(source, CalibrationReader(images), Path(folder))
    except OSError as error:
        raise OSError(f"could not write {path}: {error}; free some space or choose another output=") from error
    except Exception as error:
        raise ValueError(
            f"onnxruntime cannot quantise this network ({first_line(error)}); leave out quantise="
        ) from error
    onnx.save(quantised, metadata, path)


def _quantise(source: Path, images: CalibrationReader, folder: Path) -> "ModelProto":
    import onnx as library
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    merged, quantised = folder / "merged.onnx", folder / FILE
    quant_pre_process(source, merged, skip_symbolic_shape=True)  # merges batch norms into convolutions
    quantize_static(
        merged,
        quantised,
        images,
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return library.load(quantised)


def measure_cost(
    float32: Path, int8: Path, interface: Interface, scored: LabeledSplit, split: str, num_calibration_images: int
) -> QuantisationCost:
    """Score both files on the split. split: its name; num_calibration_images: noted beside the scores."""
    files = {"float32": float32, "int8": int8}
    miou = {name: mean_iou(interface.feed(onnx.load_network(path)), scored, name) for name, path in files.items()}
    return QuantisationCost(split, len(scored.pairs), num_calibration_images, miou["float32"], miou["int8"])
