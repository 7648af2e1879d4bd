"""The records of a suite in a file, and the report of a suite for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from segexp.system.files import write_atomic

Record = dict[str, Any]


class SuiteReport(NamedTuple):
    """tables: title -> rows of the same keys. lines: text below the tables."""

    tables: Mapping[str, Sequence[Record]]
    lines: Sequence[str]


@dataclass
class Results:
    """OUTPUT/SUITE.json: the records of one machine, written whole after every record, so that a kill loses only one.

    machine: facts on which the measurements depend beside the settings. key: names of the values that tell records
    apart.
    """

    path: Path
    machine: Record
    key: tuple[str, ...]
    records: list[Record] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, machine: Record, key: tuple[str, ...], overwrite: bool) -> "Results":
        """The results with the records that the file has already; with none if it is to be overwritten.

        Raises ValueError if they are of another machine, or the file holds no results.
        """
        if overwrite or not path.exists():
            return cls(path, machine, key)
        cure = "add overwrite=true, or keep both by output=ANOTHER_FOLDER"
        try:
            measured_on, records = _parse(path.read_text(), key)
        except ValueError as error:
            raise ValueError(f"{path} has no results of segexp.benchmark ({error}); {cure}") from error
        changed = [
            f"{name} {measured_on.get(name)!r}, now {value!r}"
            for name, value in machine.items()
            if measured_on.get(name) != value
        ]
        if changed:
            raise ValueError(f"{path} was measured with {'; '.join(changed)}; {cure}")
        return cls(path, machine, key, records)

    def add(self, record: Record) -> None:
        """Add a record, in place of one with the same key, and write the file."""
        others = [each for each in self.records if any(each.get(name) != record[name] for name in self.key)]
        self.records = [*others, record]
        write_atomic(
            self.path, json.dumps({"machine": self.machine, "records": self.records}, indent=1, allow_nan=False)
        )


def _parse(text: str, key: tuple[str, ...]) -> tuple[Record, list[Record]]:
    """The machine and the records of a file. Raises ValueError for what `Results` never wrote."""
    stored = json.loads(text, parse_constant=_refuse)
    match stored:
        case {"machine": dict(machine), "records": list(records)}:
            pass
        case _:
            raise ValueError("it lacks a machine and its records")
    for number, record in enumerate(records):
        missing = [name for name in key if not isinstance(record, dict) or name not in record]
        if missing:
            raise ValueError(f"record {number} has no {', '.join(missing)}")
    return machine, records


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")
