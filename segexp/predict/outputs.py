"""The files that are written of a prediction, and their places."""

import io
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from segexp.classes import Grouping, LabelTable
from segexp.display.pictures import color_table, png, with_palette
from segexp.predict.inputs import FACTS_FILE, OUTPUT_KINDS, Input
from segexp.predict.legend import draw_overlay, with_legend
from segexp.run.earlier import precision_of_its_own
from segexp.system.files import remove_abandoned_parts, write_atomic
from segexp.types import Bytes, Values

Probabilities = npt.NDArray[np.float16]


class Outputs:
    """A folder with masks/NAME.png, overlays/NAME.png, probabilities/NAME.npy of images, .mkv and .mp4 of videos.

    masks: label_ids (of each class the id of its first label in the table, the form in which benchmarks take
        predictions), class_ids, colored (class ids, and in videos their colours), or None. PNGs have the classes'
        colours as palette: their pixels are ids to whoever reads them, and look like masks to whoever opens them.
    overlay, opacity, legend: whether images are shown below colours, how far these cover them, and whether the names of
        the classes stand below.
    probabilities: whether those of each class are written, float16 [C, H, W].
    """

    def __init__(
        self,
        folder: Path,
        grouping: Grouping,
        table: LabelTable,
        masks: str | None,
        overlay: bool,
        opacity: float,
        legend: bool,
        probabilities: bool,
    ) -> None:
        self.folder = folder
        self.grouping = grouping
        self.masks = masks
        self.overlay = overlay
        self.opacity = opacity
        self.legend = legend
        self.probabilities = probabilities
        self.label_ids = grouping.mask_values(table)
        self.label_colors = color_table(grouping.colors)[grouping.lookup(table)]

    def files(self, item: Input) -> list[Path]:
        """List all files that will be written of an image or video."""
        is_written = {"masks": self.masks, "overlays": self.overlay, "probabilities": self.probabilities}
        endings = {"masks": ".png", "overlays": ".png", "probabilities": ".npy"}
        if item.is_video:
            endings = {"masks": ".mkv", "overlays": ".mp4"}
        return [self.file(kind, item, ending) for kind, ending in endings.items() if is_written[kind]]

    def file(self, kind: str, item: Input, ending: str) -> Path:
        return self.folder / kind / f"{item.name}{ending}"

    def select_pending(self, items: Sequence[Input], on_existing: str) -> list[Input]:
        """Select the inputs that are to be predicted.

        on_existing: refuse, skip or overwrite. Raises FileExistsError for a file that is there already and is to be
        refused, ValueError for a file that is itself one of the inputs.
        """
        self._refuse_inputs(items)
        if on_existing == "skip":
            return [item for item in items if not all(_exists(file) for file in self.files(item))]
        existing = [file for item in items for file in self.files(item) if _exists(file)]
        if existing and on_existing == "refuse":
            raise FileExistsError(
                f"{len(existing)} files exist already, the first is {existing[0]}; add on_existing=skip to continue, "
                "on_existing=overwrite to predict again, or choose another output="
            )
        return list(items)

    def _refuse_inputs(self, items: Sequence[Input]) -> None:
        real = cache(os.path.realpath)  # of folders, which are few
        ours = tuple(f"{real(self.folder / kind)}/" for kind in OUTPUT_KINDS)
        places = ((real(item.file.parent), item.file.name) for item in items)
        inputs_in_output = {(folder, name) for folder, name in places if f"{folder}/".startswith(ours)}
        for file in (file for item in items if inputs_in_output for file in self.files(item)):
            if (real(file.parent), file.name) in inputs_in_output:
                raise ValueError(f"output: {file} is an input, and would be overwritten; choose another output=")

    def remove_abandoned_parts(self, items: Sequence[Input]) -> None:
        """Remove half-written files of killed processes from the folders to write to."""
        for folder in {self.folder, *(file.parent for item in items for file in self.files(item))}:
            remove_abandoned_parts(folder)

    def write_facts(self, origin: Mapping[str, Any], inference: Mapping[str, Any], on_existing: str) -> None:
        """Write predictions.json: what predicted, how, and what the numbers in the masks mean.

        origin: the run, and which of its weights.
        Raises ValueError if the file is there, holds other facts, and is not to be overwritten.
        """
        classes = [
            {"id": number, "name": name, "color": color, "label_id": int(self.label_ids[number])}
            for number, (name, color) in enumerate(zip(self.grouping.names, self.grouping.colors.tolist(), strict=True))
        ]
        facts = {**origin, "inference": dict(inference)}
        facts |= {"masks": self.masks, "classes": classes}
        if on_existing != "overwrite":
            self._refuse_mixture(facts)
        write_atomic(self.folder / FACTS_FILE, json.dumps(facts, indent=2))

    def _refuse_mixture(self, facts: Mapping[str, Any]) -> None:
        path = self.folder / FACTS_FILE
        try:
            content = json.loads(path.read_bytes()) if path.is_file() else None
            stored: Values = {} if content is None else {"inference": {}, **precision_of_its_own(content)}
            differing = ", ".join(key for key, value in stored.items() if facts.get(key) != value)
        except (ValueError, AttributeError):  # no JSON, or no object
            differing = "command"
        if differing:
            raise ValueError(
                f"{path} is of another {differing}, and a folder holds predictions of one kind only; "
                "choose another output=, or on_existing=overwrite"
            )

    def mask(self, class_ids: Bytes) -> Image.Image:
        if self.masks == "label_ids":
            return with_palette(self.label_ids[class_ids], self.label_colors)
        return with_palette(class_ids, self.grouping.colors)

    def overlay_picture(self, image: Bytes, class_ids: Bytes) -> Image.Image:
        overlay = draw_overlay(image, class_ids, self.grouping, self.opacity)
        return with_legend(overlay, self.grouping) if self.legend else overlay

    def write(self, item: Input, image: Bytes, class_ids: Bytes, probabilities: Probabilities | None) -> None:
        """Write all files of one image [H, W, 3]. class_ids: [H, W]; probabilities: [C, H, W]."""
        if self.masks:
            write_atomic(self.file("masks", item, ".png"), png(self.mask(class_ids)))
        if self.overlay:
            write_atomic(self.file("overlays", item, ".png"), png(self.overlay_picture(image, class_ids)))
        if probabilities is not None:
            content = io.BytesIO()
            np.save(content, probabilities)
            write_atomic(self.file("probabilities", item, ".npy"), content.getvalue())


def _exists(file: Path) -> bool:
    with suppress(OSError):  # its name is too long to be looked for
        return file.exists()
    return False
