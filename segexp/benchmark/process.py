"""A case in a process of its own: its memory is its own, and what ends it ends nothing else."""

import os
import signal
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from segexp.benchmark.measuring import Job, run, shorten

PARTING_SECONDS = 10
START_SECONDS = 300
"""For loading torch and building a network; on a slow file system that can take minutes."""


def facts_of(job: Job, max_preparation_seconds: float) -> dict[str, Any]:
    """What `measured` tells of a case; where it got no further, `note` says why."""
    context = get_context("spawn")  # a forked process cannot use a GPU, and holds our memory
    connection, theirs = context.Pipe(duplex=False)
    os.environ.setdefault(
        "PYTHONWARNINGS", "ignore::UserWarning:multiprocessing.resource_tracker"
    )  # tells of killed ones
    process = context.Process(target=run, args=(job, theirs))
    process.start()
    theirs.close()  # so that we see the end of theirs
    facts: dict[str, Any] = {}
    limits = {
        f"loading took over {START_SECONDS} s": START_SECONDS,
        f"preparation took over {max_preparation_seconds:g} s": max_preparation_seconds,
        f"a pass takes over {job.max_seconds:g} s": job.max_seconds,
        "passes took ever longer": 5 * job.max_seconds + 60,
    }
    try:
        for complaint, limit in limits.items():
            facts |= connection.recv() if connection.poll(limit) else {"note": complaint}
            if "note" in facts:
                break
        else:
            process.join(PARTING_SECONDS)  # one that is killed leaves things behind
    except EOFError:
        process.join()
        facts["note"] = _how_it_ended(process, job)
    finally:
        _kill(process)
        connection.close()
    return facts


def _how_it_ended(process: BaseProcess, job: Job) -> str:
    code = process.exitcode or 0
    log = job.folder / "log.txt"
    said = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    if code == -signal.SIGKILL or any("bad_alloc" in line for line in said):
        return "out of memory"  # nobody else sends that signal
    how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return shorten(": ".join([f"its process ended by {how}", *said[-1:]]))


def _kill(process: BaseProcess) -> None:
    """And what it started: compilers."""
    assert process.pid is not None
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()  # if it has no group of its own yet
    process.join()
