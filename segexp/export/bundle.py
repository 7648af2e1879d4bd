"""A run -> the files that are handed on: network, weights, metadata, model card."""

import json
from dataclasses import dataclass
from pathlib import Path

from segexp.export import card, int8, onnx, parity, torch_export, weights
from segexp.export.artifacts import SUMMARY, WEIGHTS
from segexp.export.capture import capture_program
from segexp.export.int8 import QuantisationCost
from segexp.export.interface import Interface, interface_of
from segexp.export.labeled_split import LabeledSplit
from segexp.export.metadata import collect_metadata
from segexp.export.parity import ParityCheck
from segexp.export.settings import ExportSettings
from segexp.inference.model import TrainedNetwork, load_model
from segexp.inference.trusted_parts import source_of_run
from segexp.run.folder import RunFolder
from segexp.system.files import write_atomic
from segexp.types import Values

EXPORTERS = {"onnx": onnx, "torch_export": torch_export}


@dataclass(frozen=True)
class ExportResult:
    """metadata: see `collect_metadata`. checks: of the file against PyTorch. cost: of int8, if it was asked for."""

    metadata: Values
    checks: list[ParityCheck]
    cost: QuantisationCost | None


def export(run: RunFolder, settings: ExportSettings, folder: Path) -> ExportResult:
    """Write every file into the folder.

    Raises ValueError or FileNotFoundError where the run is not what it must be, a library is missing, the network
    cannot be exported, or what was written computes something else.
    """
    exporter = EXPORTERS[settings.format]
    exporter.refuse_missing_library()
    trained = load_model(run, settings.checkpoint, settings.weights)
    splits = _calibration_and_scored(run, trained, settings) if settings.quantise else None  # before any work
    interface = interface_of(settings, trained.model)
    metadata = collect_metadata(run, trained, settings, interface)
    path = folder / exporter.FILE
    exporter.write(capture_program(trained.model, interface), metadata, path)
    network, tolerance = exporter.load_network(path), settings.tolerance
    checks = parity.compare_networks(trained.model, network, trained.image_size, tolerance, interface)
    parity.refuse_difference(checks, tolerance)
    cost = _quantise(path, metadata, interface, *splits, settings) if splits else None
    result = ExportResult(metadata, checks, cost)
    _write_documents(run, trained, result, settings, folder)
    return result


def _calibration_and_scored(
    run: RunFolder, trained: TrainedNetwork, settings: ExportSettings
) -> tuple[LabeledSplit, LabeledSplit]:
    """The training split, and the split that both files are scored on."""
    source, image_format = source_of_run(run, settings.data)
    names = (run.config["data"].get("train_split", "train"), settings.split)
    size = settings.fixed_size or trained.image_size
    calibration, scored = (
        LabeledSplit(source, source.pairs(name), trained.grouping, size, image_format.bit_depth) for name in names
    )
    return calibration, scored


def _quantise(
    path: Path,
    metadata: Values,
    interface: Interface,
    calibration: LabeledSplit,
    scored: LabeledSplit,
    settings: ExportSettings,
) -> QuantisationCost:
    images = [interface.prepare(image) for image in calibration.evenly_spread(settings.num_calibration_images)]
    quantised = path.with_name(int8.FILE)
    int8.write(path, metadata, images, quantised)
    return int8.measure_cost(path, quantised, interface, scored, settings.split, len(images))


def _write_documents(
    run: RunFolder, trained: TrainedNetwork, result: ExportResult, settings: ExportSettings, folder: Path
) -> None:
    """Write weights, card and summary; the summary comes last, as it says that the export is complete."""
    metadata, checks, cost = result.metadata, result.checks, result.cost
    texts = {key: onnx.as_text(value) for key, value in metadata.items()}
    write_atomic(folder / WEIGHTS, weights.as_bytes(trained.model, texts))
    text = card.render_card(run, metadata, EXPORTERS[settings.format].FILE, checks, settings.tolerance, cost)
    write_atomic(folder / card.FILE, text)
    measured = {
        "format": settings.format,
        "tolerance": settings.tolerance,
        "checks": [each._asdict() for each in checks],
        "int8": cost and cost._asdict() | {"loss": cost.loss},
        "bytes": {path.name: path.stat().st_size for path in sorted(folder.glob("[!.]*"))},
    }
    write_atomic(folder / SUMMARY, json.dumps(metadata | measured, indent=2))
