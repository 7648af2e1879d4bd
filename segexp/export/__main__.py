"""python -m segexp.export: a trained network as one file that runs without segexp."""

from pathlib import Path
from typing import TYPE_CHECKING

from segexp.config.command_line import entry_point
from segexp.export.artifacts import ARTIFACTS
from segexp.export.settings import ExportSettings
from segexp.export.staging import refuse_existing, stage_export
from segexp.system.loading import loading
from segexp.system.remote import is_url
from segexp.types import Values

if TYPE_CHECKING:
    from segexp.export.bundle import ExportResult


@entry_point("export")
def main(values: Values) -> None:
    from segexp.run.folder import RunFolder

    settings = ExportSettings.of(values)
    folder = Path(settings.output).expanduser().absolute() if settings.output else None
    if not is_url(settings.run):  # loading torch takes seconds, which a typo need not cost
        run = RunFolder.open(settings.run)
        run.checkpoint(settings.checkpoint)
        folder = folder or run.path / "export"
    assert folder
    refuse_existing(folder, ARTIFACTS, settings.overwrite)  # and before a URL is copied
    _export(settings, folder)


def _export(settings: ExportSettings, folder: Path) -> None:
    with loading():
        from segexp.export.bundle import export
    from segexp.run.folder import RunFolder
    from segexp.system import signals

    run = RunFolder.fetch(settings.run, settings.checkpoint)
    with signals.listening(), stage_export(folder, ARTIFACTS, settings.overwrite) as partial:  # SIGTERM leaves nothing
        result = export(run, settings, partial)
    _print_result(result, run.path.name, folder)


def _print_result(result: "ExportResult", run_name: str, folder: Path) -> None:
    from rich.console import Console

    from segexp.display.tables import records_table
    from segexp.export.int8 import NOTABLE_LOSS

    records = [each._asdict() | {"image": "×".join(map(str, each.image))} for each in result.checks]
    rows = [{key.replace("_", " "): value for key, value in record.items()} for record in records]
    Console().print(records_table(rows, f"{run_name}: exported against PyTorch", unbroken=["image"]))
    print(f"largest difference of a logit: {max(each.largest_difference for each in result.checks):.3g}")
    cost = result.cost
    if cost:
        scores = f"{cost.miou_float32:.4f} in float32, {cost.miou_int8:.4f} in int8, change {-cost.loss:+.4f}"
        print(f"mIoU on {cost.split}, {cost.num_images} images: {scores}")
        if cost.loss > NOTABLE_LOSS:
            print(f"int8 lowers the mIoU by more than {NOTABLE_LOSS}; try more num_calibration_images, or use float32")
    for path in (folder / name for name in ARTIFACTS):
        if path.is_file():
            print(f"{path}  {path.stat().st_size / 1e3:,.0f} kB")


if __name__ == "__main__":
    main()
