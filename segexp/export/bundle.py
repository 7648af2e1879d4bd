"""A run -> the files that are handed on: network, weights, facts, model card."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from segexp.export import agreement, card, int8, onnx, torch_export, weights
from segexp.export.agreement import Agreement
from segexp.export.capture import captured
from segexp.export.facts import Facts, facts
from segexp.export.int8 import Cost
from segexp.export.names import FACTS, WEIGHTS
from segexp.export.scoring import Scenes
from segexp.inference.model import Trained, load_model
from segexp.inference.trusted_run import source_of_run
from segexp.run.folder import RunFolder
from segexp.system.files import write_whole

FORMATS = {"onnx": onnx, "torch_export": torch_export}


@dataclass(frozen=True)
class Wish:
    """What is to be exported, and how.

    place: the run as the user wrote it. tolerance: see `agreement.refuse_difference`. quantise: None or int8.
    split: that int8 is scored on; data_values: settings of the run's data to be replaced, such as root.
    """

    PLAIN: ClassVar = ("format", "checkpoint", "tolerance", "quantise", "num_calibration_images", "split")

    place: str
    format: str = "onnx"
    checkpoint: str = "best"
    tolerance: float = 1e-4
    quantise: str | None = None
    num_calibration_images: int = 64
    split: str = "val"
    data_values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Exported:
    """facts: see `facts`. checks: of the file against PyTorch. cost: of int8, if it was asked for."""

    facts: Facts
    checks: list[Agreement]
    cost: Cost | None


def export(run: RunFolder, wish: Wish, folder: Path) -> Exported:
    """Write every file into the folder.

    Raises ValueError or FileNotFoundError where the run is not what it must be, a library is missing, the network
    cannot be exported, or what was written computes something else.
    """
    kind = FORMATS[wish.format]
    kind.refuse_missing_library()
    found = load_model(run, wish.checkpoint)
    scenes = _scenes(run, found, wish) if wish.quantise else None
    told = facts(run, found, wish.place, wish.checkpoint)
    path = folder / kind.FILE
    kind.write(captured(found.model), told, path)
    checks = agreement.compare(found.model, kind.opened(path), found.image_size, wish.tolerance)
    agreement.refuse_difference(checks, wish.tolerance)
    cost = _quantised(path, told, *scenes, wish) if scenes else None
    exported = Exported(told, checks, cost)
    _write_rest(run, found, exported, wish, folder)
    return exported


def _scenes(run: RunFolder, found: Trained, wish: Wish) -> tuple[Scenes, Scenes]:
    """Of the training, and to be scored on: found before anything is computed."""
    source, _ = source_of_run(run, wish.data_values)
    splits = (run.config["data"].get("train_split", "train"), wish.split)
    seen, scored = (Scenes(source.pairs(split), found.grouping, found.table, found.image_size) for split in splits)
    return seen, scored


def _quantised(path: Path, told: Facts, seen: Scenes, scored: Scenes, wish: Wish) -> Cost:
    images = seen.spread(wish.num_calibration_images)
    smaller = path.with_name(int8.FILE)
    int8.write(path, told, images, smaller)
    return int8.cost(path, smaller, scored, wish.split, len(images))


def _write_rest(run: RunFolder, found: Trained, exported: Exported, wish: Wish, folder: Path) -> None:
    told, checks, cost = exported.facts, exported.checks, exported.cost
    named = {key: onnx.as_text(value) for key, value in told.items()}
    write_whole(folder / WEIGHTS, weights.as_bytes(found.model, named))
    text = card.written(run, told, FORMATS[wish.format].FILE, checks, wish.tolerance, cost)
    write_whole(folder / card.FILE, text)
    measured = {
        "format": wish.format,
        "tolerance": wish.tolerance,
        "checks": [each._asdict() for each in checks],
        "int8": cost and cost._asdict() | {"loss": cost.loss},
        "bytes": {path.name: path.stat().st_size for path in sorted(folder.glob("[!.]*"))},
    }
    write_whole(folder / FACTS, json.dumps(told | measured, indent=2))
