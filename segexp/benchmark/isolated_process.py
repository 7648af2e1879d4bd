"""Measure a case in a process of its own: its memory is its own, and a crash ends nothing else."""

import os
import signal
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from segexp.benchmark.measurement import MeasurementTask, run, shorten

EXIT_SECONDS = 10
START_SECONDS = 300
"""For loading torch and building a network; on a slow file system that can take minutes."""


def measure_in_process(task: MeasurementTask, max_preparation_seconds: float) -> dict[str, Any]:
    """The measurements of a case, see `take_measurements`; `note` says why if some are missing."""
    context = get_context("spawn")  # a forked process cannot use a GPU, and holds our memory
    connection, child_connection = context.Pipe(duplex=False)
    # a process that is killed leaves resources behind, which Python would warn of
    os.environ.setdefault("PYTHONWARNINGS", "ignore::UserWarning:multiprocessing.resource_tracker")
    process = context.Process(target=run, args=(task, child_connection))
    process.start()
    child_connection.close()  # so that recv raises EOFError when the process ends
    facts: dict[str, Any] = {}
    limits = {
        f"loading took over {START_SECONDS} s": START_SECONDS,
        f"preparation took over {max_preparation_seconds:g} s": max_preparation_seconds,
        f"a pass takes over {task.max_seconds:g} s": task.max_seconds,
        "passes took ever longer": 5 * task.max_seconds + 60,
    }
    try:
        for note, limit in limits.items():
            facts |= connection.recv() if connection.poll(limit) else {"note": note}
            if "note" in facts:
                break
        else:
            process.join(EXIT_SECONDS)  # let it end by itself: a killed one leaves files behind
    except EOFError:
        process.join()
        facts["note"] = _end_of(process, task)
    finally:
        _kill(process)
        connection.close()
    return facts


def _end_of(process: BaseProcess, task: MeasurementTask) -> str:
    """Why a process ended before its measurements were complete."""
    code = process.exitcode or 0
    log = task.folder / "log.txt"
    lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    if code == -signal.SIGKILL or any("bad_alloc" in line for line in lines):
        return "out of memory"  # the kernel's signal; nothing else sends it
    how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return shorten(": ".join([f"its process ended by {how}", *lines[-1:]]))


def _kill(process: BaseProcess) -> None:
    """Kill a process and the compilers that it started."""
    assert process.pid is not None
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()  # in case it has no group of its own yet
    process.join()
