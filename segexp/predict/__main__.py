"""python -m segexp.predict: segment photos and films with a trained run."""

import io
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segexp.config.command_line import entry_point
from segexp.system import remote
from segexp.system.memory import keep_freed_memory
from segexp.types import Values

if TYPE_CHECKING:
    from segexp.inference.settings import Inference
    from segexp.predict.inputs import Input
    from segexp.run.folder import RunFolder

PLACES = {
    "run": "of a run folder, or its URL",
    "input": "of a photo, a film, or a folder of them",
    "output": "of a folder to write to",
}
CHOICES = {
    "masks": ("label_ids", "class_ids", "colored", None),
    "overlay": (True, False),
    "probabilities": (True, False),
    "on_existing": ("refuse", "skip", "overwrite"),
}


@entry_point("predict")
def main(values: Values) -> None:
    from segexp.inference.settings import Inference
    from segexp.predict.inputs import check_output, find
    from segexp.run.folder import RunFolder

    _check(values)
    inference = Inference.of({key: values[key] for key in Inference.model_fields})
    folder, place = Path(values["output"]).expanduser().absolute(), Path(values["input"]).expanduser()
    check_output(folder, place)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files are any bytes
    inputs = _wanted(find(place, folder), values)
    run = RunFolder.fetch(values["run"], values["checkpoint"])
    run.checkpoint(values["checkpoint"])  # loading torch takes seconds, which a typo need not cost
    _predict(run, inputs, inference, folder, values)


def _predict(
    run: "RunFolder", inputs: "list[Input]", inference: "Inference", folder: Path, values: dict[str, Any]
) -> None:
    from PIL import Image

    from segexp.inference.devices import find_devices
    from segexp.inference.model import load_model
    from segexp.inference.predictor import Predictor
    from segexp.predict.outputs import Outputs
    from segexp.predict.predict import predict
    from segexp.system import signals

    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large photos are the user's own
    device = find_devices(values["device"])[0]
    if device.type == "cpu":
        keep_freed_memory()
    found = load_model(run, values["checkpoint"])
    wanted = {key: values[key] for key in ("masks", "overlay", "opacity", "probabilities")}
    outputs = Outputs(folder, found.grouping, found.table, **wanted)
    waiting = outputs.without_existing(inputs, values["on_existing"])
    outputs.tell(run.path.name, values["checkpoint"], found.step, inference.non_default_values(), values["on_existing"])
    network = Predictor(found.model.to(device), found.image_size, inference, device)
    outputs.remove_left(waiting)
    with signals.listening():  # SIGTERM, too, leaves no half-written file
        failed = predict(waiting, network, outputs, values["batch_size"], values["num_threads"])
    print(f"{len(waiting) - len(failed)} of {len(inputs)} predicted, {len(inputs) - len(waiting)} were there already")
    print(folder)
    if failed:
        sys.exit(f"segexp.predict: {len(failed)} of {len(waiting)} could not be predicted, named above")


def _wanted(found: "list[Input]", values: dict[str, Any]) -> "list[Input]":
    """Those of which something is to be written; says which films are left out, as there are no probabilities of them.

    Raises ValueError if that leaves nothing.
    """
    films = [item.file for item in found if item.is_film]
    if not films or values["masks"] or values["overlay"]:
        return found
    named = f"{len(films)} films, the first is {films[0]}" if films[1:] else str(films[0])
    cure = "probabilities are written of photos only; add masks=label_ids or overlay=true"
    if len(films) == len(found):
        raise ValueError(f"input: nothing would be written of {named}: {cure}")
    print(f"left out: {named}: {cure}")
    return [item for item in found if not item.is_film]


def _check(values: dict[str, Any]) -> None:
    for key, needed in PLACES.items():
        if not isinstance(values[key], str) or not values[key].strip():
            raise ValueError(f"{key} is {values[key]!r}; needed is the path {needed}, a number as {key}=./2024")
        if key != "run" and remote.is_url(values[key]):
            raise ValueError(f"{key} is {values[key]}; only run may be a URL: needed is the path {needed}")
    for key, allowed in CHOICES.items():
        if not any(type(values[key]) is type(each) and values[key] == each for each in allowed):
            raise ValueError(f"{key} is {values[key]!r}; allowed: {', '.join(_shown(each) for each in allowed)}")
    for key in ("batch_size", "num_threads"):
        if type(values[key]) is not int or values[key] < 1:
            raise ValueError(f"{key} is {values[key]!r}; needed is a whole number of at least 1")
    if type(values["opacity"]) not in (int, float) or not 0 <= values["opacity"] <= 1:
        raise ValueError(f"opacity is {values['opacity']!r}; needed is a number from 0 to 1")
    if not (values["masks"] or values["overlay"] or values["probabilities"]):
        raise ValueError("masks is null, overlay and probabilities are false: nothing is wanted; set one of them")


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower()


if __name__ == "__main__":
    main()
