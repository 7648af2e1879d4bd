"""python -m segexp.benchmark: how long the parts take on this machine."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from segexp.benchmark.settings import BenchmarkSettings
from segexp.config.command_line import entry_point
from segexp.types import Values

if TYPE_CHECKING:
    import torch


@entry_point("benchmark")
def main(values: Values) -> None:
    settings = BenchmarkSettings.of(values)
    from segexp.inference.devices import find_devices
    from segexp.system import signals

    device = find_devices(settings.device)[0]
    with signals.listening():  # SIGTERM, such as that of timeout, ends the processes of a suite too
        for name in settings.suite:
            _run(name, settings, device)


def _run(name: str, settings: BenchmarkSettings, device: "torch.device") -> None:
    """Measure a suite, write its results after every record, and print its report."""
    from importlib import import_module

    from rich.console import Console

    from segexp.benchmark.results import Results
    from segexp.display.tables import records_table

    suite, machine, console = import_module(f"segexp.benchmark.{name}"), _machine(device), Console()
    console.width = console.width if console.is_terminal else 120
    suite_settings = getattr(settings, name)
    path = Path(settings.output).absolute() / f"{name}.json"
    results = Results.open(path, machine, suite.KEY, settings.overwrite)
    records = []
    for record in suite.measure(suite_settings, device, results.records):
        results.add(record)
        records.append(record)
    report = suite.report(records, suite_settings, device)
    where = f"{machine['device']}, {machine['num_threads']} threads"
    for title, rows in report.tables.items():
        console.print(records_table(rows, f"{title}; {where}"))
    for line in [*report.lines, str(path)]:
        print(line)


def _machine(device: "torch.device") -> Values:
    """Facts beside the settings on which the measurements depend."""
    import torch

    from segexp.run.environment import hardware

    facts = hardware()
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    cpu = {key: facts[key] for key in ("processor", "num_cores", "num_threads")}
    return {"device": gpu or facts["processor"], **cpu, "torch": torch.__version__}


def _as_list(argument: str) -> str:
    """Turn suite=a,b into suite=[a,b], which Hydra takes for one value and not for a sweep."""
    return re.sub(r"^suite=([^\[\]{}()'\"]*,[^\[\]{}()'\"]*)$", r"suite=[\1]", argument)


if __name__ == "__main__":
    sys.argv[1:] = [_as_list(argument) for argument in sys.argv[1:]]
    main()
