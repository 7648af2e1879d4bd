"""python -m segexp.benchmark: how long the parts take on this machine."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segexp.config.command_line import entry
from segexp.config.compose import compose
from segexp.types import Values

if TYPE_CHECKING:
    import torch


@entry("benchmark")
def main(values: Values) -> None:
    from segexp.system import signals

    names = _suites(values)
    _refuse_other_keys(values, names)
    if type(values["overwrite"]) is not bool:
        raise ValueError(f"overwrite is {values['overwrite']!r}; allowed: true, false")
    if not isinstance(values["output"], str) or not values["output"].strip():
        raise ValueError(f"output is {values['output']!r}; needed is the path of a folder, a number as output=./2024")
    from segexp.inference.devices import find_devices

    device = find_devices(values["device"])[0]
    with signals.listening():  # SIGTERM, as of timeout: nothing is left running
        for name in names:
            _run(name, values[name], device, Path(values["output"]).absolute() / f"{name}.json", values["overwrite"])


def _run(name: str, settings: dict[str, Any], device: "torch.device", path: Path, overwrite: bool) -> None:
    """Measure a suite, keep what was measured after every record, and show it."""
    import inspect
    from importlib import import_module

    from rich.console import Console

    from segexp.benchmark.results import Results
    from segexp.display.tables import records_table

    suite, machine, console = import_module(f"segexp.benchmark.{name}"), _machine(device), Console()
    console.width = console.width if console.is_terminal else 120
    results = Results.open(path, machine, suite.KEY, overwrite)
    goes_on = "earlier" in inspect.signature(suite.measure).parameters
    records = []
    for record in suite.measure(**settings, device=device, **({"earlier": results.records} if goes_on else {})):
        results.add(record)
        records.append(record)
    found = suite.report(records, device=device, **settings)
    where = f"{machine['device']}, {machine['num_threads']} threads"
    for title, rows in found.tables.items():
        console.print(records_table(rows, f"{title}; {where}"))
    for line in [*found.lines, str(path)]:
        print(line)


def _machine(device: "torch.device") -> dict[str, Any]:
    """What figures depend on beside the settings."""
    import torch

    from segexp.run.environment import hardware

    found = hardware()
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    kept = {key: found[key] for key in ("processor", "num_cores", "num_threads")}
    return {"device": gpu or found["processor"], **kept, "torch": torch.__version__}


def _suites(values: dict[str, Any]) -> list[str]:
    """Those that are asked for, null: all. Raises ValueError for a name that is none."""
    known = sorted(key for key, value in values.items() if isinstance(value, dict))
    asked = values["suite"]
    names = known if asked is None else asked if isinstance(asked, list) else [asked]
    if not names or any(name not in known for name in names):
        raise ValueError(f"suite is {asked!r}; allowed: {', '.join(known)}, several with commas between, null for all")
    return list(dict.fromkeys(names))


def _refuse_other_keys(values: dict[str, Any], names: list[str]) -> None:
    """Raise ValueError where a suite was given a key by + that it has not, or one of its own was deleted by ~."""

    known = compose("benchmark")
    for name in names:
        other = sorted(set(known[name]) ^ set(values[name]))
        if other:
            raise ValueError(f"{name}.{other[0]} was added or deleted; {name} has: {', '.join(known[name])}")


def _as_list(argument: str) -> str:
    """suite=a,b -> suite=[a,b], which Hydra takes for one value and not for a sweep."""
    return re.sub(r"^suite=([^\[\]{}()'\"]*,[^\[\]{}()'\"]*)$", r"suite=[\1]", argument)


if __name__ == "__main__":
    sys.argv[1:] = [_as_list(argument) for argument in sys.argv[1:]]
    main()
