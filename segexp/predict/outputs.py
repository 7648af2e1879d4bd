"""What is written of a prediction, and where."""

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
from segexp.display.pictures import png, with_palette
from segexp.predict.inputs import FACTS, KINDS, Input
from segexp.predict.legend import overlay
from segexp.system.files import remove_abandoned_parts, write_atomic
from segexp.types import Bytes

Fractions = npt.NDArray[np.float16]


class Outputs:
    """A folder with masks/NAME.png, overlays/NAME.png, probabilities/NAME.npy of photos, .mkv and .mp4 of films.

    masks: label_ids (of each class the id of its first label in the table, the form in which benchmarks take
        predictions), class_ids, colored (class ids with a palette), or None.
    overlay, opacity: whether photos are shown below colours, and how far these cover them.
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
        probabilities: bool,
    ) -> None:
        self.folder = folder
        self.grouping = grouping
        self.masks = masks
        self.overlay = overlay
        self.opacity = opacity
        self.probabilities = probabilities
        self.label_ids = grouping.mask_values(table)

    def files(self, item: Input) -> list[Path]:
        """All that will be written of a photo or film."""
        wanted = {"masks": self.masks, "overlays": self.overlay, "probabilities": self.probabilities}
        endings = {"masks": ".png", "overlays": ".png", "probabilities": ".npy"}
        if item.is_film:
            endings = {"masks": ".mkv", "overlays": ".mp4"}
        return [self.file(kind, item, ending) for kind, ending in endings.items() if wanted[kind]]

    def file(self, kind: str, item: Input, ending: str) -> Path:
        return self.folder / kind / f"{item.name}{ending}"

    def without_existing(self, items: Sequence[Input], on_existing: str) -> list[Input]:
        """Those to be predicted.

        Raises FileExistsError if something of them is there and that is to be refused, ValueError if it is one of them.
        """
        self._refuse_inputs(items)
        if on_existing == "skip":
            return [item for item in items if not all(_is_there(file) for file in self.files(item))]
        there = [file for item in items for file in self.files(item) if _is_there(file)]
        if there and on_existing == "refuse":
            raise FileExistsError(
                f"{len(there)} files are there already, the first is {there[0]}; add on_existing=skip to go on, "
                "on_existing=overwrite to predict again, or choose another output="
            )
        return list(items)

    def _refuse_inputs(self, items: Sequence[Input]) -> None:
        real = cache(os.path.realpath)  # of folders, which are few
        ours = tuple(f"{real(self.folder / kind)}/" for kind in KINDS)
        places = ((real(item.file.parent), item.file.name) for item in items)
        read = {(folder, name) for folder, name in places if f"{folder}/".startswith(ours)}
        for file in (file for item in items if read for file in self.files(item)):
            if (real(file.parent), file.name) in read:
                raise ValueError(f"output: {file} is an input, and would be overwritten; choose another output=")

    def remove_left(self, items: Sequence[Input]) -> None:
        """What killed processes had not finished to write where these are to be written, see `files.remove_left`."""
        for folder in {self.folder, *(file.parent for item in items for file in self.files(item))}:
            remove_abandoned_parts(folder)

    def tell(self, run: str, checkpoint: str, step: int, inference: Mapping[str, Any], on_existing: str) -> None:
        """Write predictions.json: what predicted, how, and what the numbers in the masks mean.

        Raises ValueError if the file is there, tells otherwise, and is not to be overwritten.
        """
        classes = [
            {"id": number, "name": name, "color": color, "label_id": int(self.label_ids[number])}
            for number, (name, color) in enumerate(zip(self.grouping.names, self.grouping.colors.tolist(), strict=True))
        ]
        facts = {"run": run, "checkpoint": checkpoint, "step": step, "inference": dict(inference)}
        facts |= {"masks": self.masks, "classes": classes}
        if on_existing != "overwrite":
            self._refuse_mixture(facts)
        write_atomic(self.folder / FACTS, json.dumps(facts, indent=2))

    def _refuse_mixture(self, facts: Mapping[str, Any]) -> None:
        path = self.folder / FACTS
        try:
            stored = json.loads(path.read_bytes()) if path.is_file() else {}
            others = ", ".join(key for key, value in stored.items() if facts.get(key) != value)
        except (ValueError, AttributeError):  # no JSON, or no object
            others = "command"
        if others:
            raise ValueError(
                f"{path} tells of another {others}, and a folder holds predictions of one kind only; "
                "choose another output=, or on_existing=overwrite"
            )

    def mask(self, class_ids: Bytes) -> Image.Image:
        if self.masks == "colored":
            return with_palette(class_ids, self.grouping.colors)
        return Image.fromarray(self.label_ids[class_ids] if self.masks == "label_ids" else class_ids)

    def picture(self, image: Bytes, class_ids: Bytes) -> Image.Image:
        return overlay(image, class_ids, self.grouping, self.opacity)

    def write(self, item: Input, image: Bytes, class_ids: Bytes, probabilities: Fractions | None) -> None:
        """Everything of one photo. image: [H, W, 3]; class_ids: [H, W]; probabilities: [C, H, W]."""
        if self.masks:
            write_atomic(self.file("masks", item, ".png"), png(self.mask(class_ids)))
        if self.overlay:
            write_atomic(self.file("overlays", item, ".png"), png(self.picture(image, class_ids)))
        if probabilities is not None:
            content = io.BytesIO()
            np.save(content, probabilities)
            write_atomic(self.file("probabilities", item, ".npy"), content.getvalue())


def _is_there(file: Path) -> bool:
    with suppress(OSError):  # its name is too long to be looked for
        return file.exists()
    return False
