"""Render many scenes at once, by one process a core, with a progress bar."""

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from subprocess import PIPE, Popen

from rich.progress import track

from segexp.streetscenes.files import SceneFile, write_scene

SCENES_PER_PROCESS = 8
"""A process takes longer to start than fewer scenes take to render."""
Worker = Popen[str]


def write_scenes(scenes: Sequence[SceneFile]) -> None:
    """Render scenes and write their files.

    Raises OSError if a file cannot be written, RuntimeError if a worker process dies.
    """
    num_processes = min(_usable_cores(), len(scenes) // SCENES_PER_PROCESS)
    description = f"rendering {len(scenes)} street scenes"
    if num_processes < 2:
        for scene in track(scenes, description):
            write_scene(scene)
        return
    with ExitStack() as running, ThreadPoolExecutor(num_processes) as threads:
        idle: SimpleQueue[Worker] = SimpleQueue()
        for _ in range(num_processes):
            idle.put(running.enter_context(_start_worker()))
        finished = threads.map(lambda scene: _write_by_worker(scene, idle), scenes)
        for _ in track(finished, description, total=len(scenes)):
            pass


def _usable_cores() -> int:
    """The number of cores that this process may run on, or of all cores where the system does not tell (not Linux)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_worker() -> Worker:
    """Start a worker; multiprocessing would run the user's script again in every process unless it is guarded."""
    command = [sys.executable, "-m", "segexp.streetscenes.worker"]
    return Popen(
        command, stdin=PIPE, stdout=PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


def _write_by_worker(scene: SceneFile, idle: SimpleQueue[Worker]) -> None:
    worker = idle.get()
    try:
        error = json.loads(_request(worker, json.dumps(scene, default=str)))
    finally:
        idle.put(worker)
    if error is not None:
        raise OSError(*error)


def _request(worker: Worker, request: str) -> str:
    assert worker.stdin is not None  # both are pipes
    assert worker.stdout is not None
    try:
        print(request, file=worker.stdin, flush=True)
        answer = worker.stdout.readline()
    except BrokenPipeError:
        answer = ""
    if not answer:
        raise RuntimeError(
            f"a process that rendered street scenes ended with exit status {worker.wait()}; "
            "what it wrote above says why, -9 means out of memory; start again, then with fewer cores (taskset)"
        )
    return answer
