"""One case, measured in a process that is there for nothing else."""

import gc
import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segexp import build
from segexp.benchmark.backend import OnnxNetwork, compiled, exported, load_compiler
from segexp.benchmark.case import Case
from segexp.benchmark.cost import num_flops, num_parameters
from segexp.benchmark.memory import forget_peak, held_bytes, limit_to_free_memory, most_bytes
from segexp.benchmark.timing import duration
from segexp.inference.segment import Network, segment
from segexp.inference.settings import Inference
from segexp.metric.confusion import prediction
from segexp.system.memory import is_out_of_memory, keep_freed_memory, return_freed_memory

MOST_PASSES = 100
REFERENCE_SHARE = 0.25
"""Time for passes of the reference, of that for passes of the case."""


@dataclass(frozen=True)
class Job:
    """config: of the network, as in conf/model. max_seconds: of its passes together.

    reference_seconds: of one pass of `case.reference`, NaN if that is not to be measured beside it. folder: for what
    the backend writes; there is a log.txt for what libraries say.
    """

    case: Case
    config: Mapping[str, Any]
    num_classes: int
    max_seconds: float
    reference_seconds: float
    device: str
    folder: Path

    def network(self) -> nn.Module:
        """Random weights, ready to predict, on the CPU."""
        torch.manual_seed(0)
        return build.part(self.config, {"num_classes": lambda: self.num_classes}).eval().requires_grad_(False)

    def image(self) -> Tensor:
        shape = (self.case.batch, 3, *self.case.size)
        generator = torch.Generator().manual_seed(0)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator).to(self.device)


def run(job: Job, connection: Connection) -> None:
    """Send what `measured` finds, or why it could not. The process has a session of its own, so it is ended whole."""
    os.setsid()
    threading.Thread(target=_end_with_parent, args=(job.folder,), daemon=True).start()
    with (job.folder / "log.txt").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(job.folder / "inductor")  # compiling is timed, not reading a cache
    try:
        if job.device == "cpu":
            limit_to_free_memory()
            keep_freed_memory()  # as segexp.predict does
        for facts in measured(job):
            connection.send(facts)
    except Exception as error:  # whatever it is, it is the result of this case, and the next one may go better
        connection.send({"note": _reason(error)})


def measured(job: Job) -> Iterator[dict[str, Any]]:
    """What is known of a case, as it becomes known: cost, preparation, a first pass, and the seconds of more passes."""
    costed = job.network()
    yield {"parameters": num_parameters(costed), "flops": num_flops(costed, job.case.size)}
    device, image = torch.device(job.device), job.image()
    start = time.perf_counter()
    network, held_before = prepared(job, image)  # libraries are loaded by now, so they count for nothing
    yield {"preparation_seconds": None if job.case.backend == "eager" else time.perf_counter() - start}
    with suppress(OSError):
        forget_peak(device)
    first = duration(partial(_predict, network, image, job.case.precision), device)
    yield {"memory": _most(job, device) - held_before, "first_seconds": first}
    yield passes(job, network, image)


def prepared(job: Job, image: Tensor) -> tuple[Network, float]:
    """The network as its backend runs it, compiled or exported, and the bytes that were held before it was loaded."""
    device, path = image.device, job.folder / "network.onnx"
    if job.case.backend == "onnxruntime":
        exported(job.network(), image, path)
    if job.case.backend == "compiled" and device.type == "cpu":
        load_compiler()
    held_before = _held(device)
    if job.case.backend == "onnxruntime":
        return OnnxNetwork(path, image, job.num_classes), held_before
    network = job.network().to(device)
    if job.case.backend == "eager":
        return network, held_before
    fast = compiled(network)
    _predict(fast, image, job.case.precision)  # compiles when it is first called
    return fast, held_before


def passes(job: Job, network: Network, image: Tensor) -> dict[str, list[float]]:
    """Seconds of as many passes as fit, at least one, with one of the reference whenever its share of them allows."""
    device, seconds, reference_seconds = image.device, list[float](), list[float]()
    predict = partial(_predict, network, image, job.case.precision)
    has_reference = job.reference_seconds < job.max_seconds
    if has_reference:
        refer = partial(_predict, job.network().to(device), image[:1], job.case.reference.precision)
        refer()  # the first pass of a network is none to measure by
    while not seconds or (len(seconds) < MOST_PASSES and sum(seconds) + max(seconds) < job.max_seconds):
        if has_reference and sum(reference_seconds) <= REFERENCE_SHARE * sum(seconds):
            reference_seconds.append(duration(refer, device))
        seconds.append(duration(predict, device))
    return {"seconds": seconds, "reference_seconds": reference_seconds}


def _predict(network: Network, image: Tensor, precision: str) -> Tensor:
    """As `segexp.predict` does it with images of the network's own size."""
    return prediction(segment(network, image, None, Inference.of({"precision": precision})))


def _held(device: torch.device) -> float:
    gc.collect()
    try:
        return_freed_memory()
        return held_bytes(device)
    except OSError:
        return math.nan


def _most(job: Job, device: torch.device) -> float:
    if device.type == "cuda" and job.case.backend == "onnxruntime":
        return math.nan  # torch does not see what others take of a GPU
    try:
        return most_bytes(device)
    except OSError:
        return math.nan


def _reason(error: Exception) -> str:
    if is_out_of_memory(error):
        return "out of memory"
    return shorten(f"{type(error).__name__}: {' '.join(str(error).split())}")


def shorten(text: str) -> str:
    """Beginning and end: libraries say what in the one and why in the other."""
    return text if len(text) <= 200 else f"{text[:80]} ... {text[-115:]}"


def _end_with_parent(folder: Path) -> None:
    """A killed parent can neither send anybody home nor clear up."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)
