"""The records of a suite on disk, and as tables for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from segexp.system.files import write_whole

Record = dict[str, Any]


class Report(NamedTuple):
    """tables: title -> rows of the same keys. lines: what is to be read below them."""

    tables: Mapping[str, Sequence[Record]]
    lines: Sequence[str]


@dataclass
class Results:
    """OUTPUT/SUITE.json: what was measured on one machine; written whole after every record, so that a kill costs one.

    machine: what the figures depend on beside the settings. key: names of the values that tell records apart.
    """

    path: Path
    machine: Record
    key: tuple[str, ...]
    records: list[Record] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, machine: Record, key: tuple[str, ...], overwrite: bool) -> "Results":
        """With the records that are there already, unless they are to go.

        Raises ValueError where they are of another machine, or the file is none of ours.
        """
        if overwrite or not path.exists():
            return cls(path, machine, key)
        cure = "add overwrite=true, or keep both by output=ANOTHER_FOLDER"
        try:
            there, records = _parsed(path.read_text(), key)
        except ValueError as error:
            raise ValueError(f"{path} holds no results of segexp.benchmark ({error}); {cure}") from error
        changed = [
            f"{name} {there.get(name)!r}, now {value!r}" for name, value in machine.items() if there.get(name) != value
        ]
        if changed:
            raise ValueError(f"{path} was measured with {'; '.join(changed)}; {cure}")
        return cls(path, machine, key, records)

    def add(self, record: Record) -> None:
        """In the place of one of the same key."""
        others = [each for each in self.records if any(each.get(name) != record[name] for name in self.key)]
        self.records = [*others, record]
        write_whole(
            self.path, json.dumps({"machine": self.machine, "records": self.records}, indent=1, allow_nan=False)
        )


def _parsed(text: str, key: tuple[str, ...]) -> tuple[Record, list[Record]]:
    """Machine and records. Raises ValueError for what `Results` never wrote."""
    stored = json.loads(text, parse_constant=_refuse)
    match stored:
        case {"machine": dict(machine), "records": list(records)}:
            pass
        case _:
            raise ValueError("needed are a machine and its records")
    for number, record in enumerate(records):
        missing = [name for name in key if not isinstance(record, dict) or name not in record]
        if missing:
            raise ValueError(f"record {number} has no {', '.join(missing)}")
    return machine, records


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
