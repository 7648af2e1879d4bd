"""python -m segexp.export: a trained network as one file that runs without segexp."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from segexp.config.command_line import entry
from segexp.export.folder import refuse_existing, staged
from segexp.export.names import NAMES
from segexp.system.remote import is_url
from segexp.types import Values

if TYPE_CHECKING:
    from segexp.export.bundle import Exported
    from segexp.run.folder import RunFolder

KINDS = {"run": str, "format": str, "checkpoint": str, "overwrite": bool, "num_calibration_images": int, "split": str}
FORMATS = ("onnx", "torch_export")
QUANTISED = (None, "int8")


@entry("export")
def main(values: Values) -> None:
    from segexp.run.folder import RunFolder

    _check(values)
    folder = _given_folder(values["output"], values["run"])
    if not is_url(values["run"]):  # loading torch takes seconds, which a typo need not cost
        run = RunFolder.open(values["run"])
        run.checkpoint(values["checkpoint"])
        folder = folder or run.path / "export"
    assert folder
    refuse_existing(folder, NAMES, values["overwrite"])  # and before a URL is copied
    _export(values, folder)


def _export(values: dict[str, Any], folder: Path) -> None:
    from segexp.export.bundle import Wish, export
    from segexp.run.folder import RunFolder
    from segexp.system import signals

    wish = Wish(
        place=values["run"],
        data_values={key: value for key, value in values["data"].items() if value is not None},
        **{key: values[key] for key in Wish.PLAIN},
    )
    run = RunFolder.fetched(values["run"], values["checkpoint"])
    with signals.listening(), staged(folder, NAMES, values["overwrite"]) as partial:  # SIGTERM, too, leaves nothing
        exported = export(run, wish, partial)
    _tell(exported, run, folder)


def _tell(exported: "Exported", run: "RunFolder", folder: Path) -> None:
    from rich.console import Console

    from segexp.display.tables import records_table
    from segexp.export.int8 import NOTABLE_LOSS

    records = [each._asdict() | {"image": " × ".join(map(str, each.image))} for each in exported.checks]
    shown = [{key.replace("_", " "): value for key, value in record.items()} for record in records]
    Console().print(records_table(shown, f"{run.path.name}: exported against PyTorch"))
    print(f"largest difference of a logit: {max(each.largest_difference for each in exported.checks):.3g}")
    cost = exported.cost
    if cost:
        found = f"{cost.miou_float32:.4f} in float32, {cost.miou_int8:.4f} in int8, loss {cost.loss:.4f}"
        print(f"mIoU on {cost.split}, {cost.num_images} images: {found}")
        if cost.loss > NOTABLE_LOSS:
            print(f"int8 loses more than {NOTABLE_LOSS}; try more num_calibration_images, or stay with float32")
    for path in (folder / name for name in NAMES):
        if path.is_file():
            print(f"{path}  {path.stat().st_size / 1e3:,.0f} kB")


def _given_folder(output: str | None, place: str) -> Path | None:
    if output is None and is_url(place):
        raise ValueError(f"run is the URL {place}, to which nothing is written; add output=FOLDER")
    if output is not None and is_url(output):
        raise ValueError(f"output is {output!r}; needed is a folder of this machine: export there, then copy it")
    return None if output is None else Path(output).expanduser().absolute()


def _check(values: dict[str, Any]) -> None:
    for key, kind in KINDS.items():
        if type(values[key]) is not kind:
            raise ValueError(f"{key} is {values[key]!r}; needed is a {kind.__name__}")
    if values["format"] not in FORMATS:
        raise ValueError(f"format is {values['format']!r}; allowed: {', '.join(FORMATS)}")
    if values["quantise"] not in QUANTISED:
        raise ValueError(f"quantise is {values['quantise']!r}; allowed: null, int8")
    if values["quantise"] and values["format"] != "onnx":
        raise ValueError(f"quantise=int8 is made by onnxruntime, not for format={values['format']}; use format=onnx")
    if type(values["tolerance"]) not in (int, float) or not 0 < values["tolerance"] < 1:
        raise ValueError(f"tolerance is {values['tolerance']!r}; needed is a fraction of the largest logit, e.g. 1e-4")
    if values["num_calibration_images"] < 1:
        raise ValueError(f"num_calibration_images is {values['num_calibration_images']}; needed is at least 1")
    if values["output"] is not None and (type(values["output"]) is not str or not values["output"]):
        raise ValueError(f"output is {values['output']!r}; needed is a folder")


if __name__ == "__main__":
    main()
