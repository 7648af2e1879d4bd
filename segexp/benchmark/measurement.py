"""The measurement of one case, which runs in a process of its own."""

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
from segexp.benchmark.backend import OnnxNetwork, compile_network, export_network, load_compiler
from segexp.benchmark.cost import num_flops, num_parameters
from segexp.benchmark.memory import held_bytes, limit_to_free_memory, max_held_bytes, reset_peak
from segexp.benchmark.model_case import ModelCase
from segexp.benchmark.timing import duration
from segexp.inference.ready import ReadyNetwork
from segexp.inference.segment import Network, segment_to_class_ids
from segexp.inference.settings import Inference
from segexp.model.auxiliary import drop_auxiliary_heads
from segexp.model.reparameterized import merge_branches
from segexp.system.arithmetic import decide
from segexp.system.memory import is_out_of_memory, keep_freed_memory, return_freed_memory

MAX_PASSES = 100
REFERENCE_SHARE = 0.25
"""Time for passes of the reference as a share of that for passes of the case."""


@dataclass(frozen=True)
class MeasurementTask:
    """A case and how it is measured.

    config: of the network, as in conf/model. max_seconds: for all its passes together. reference_seconds: of one pass
    of `case.reference`; NaN if the reference is not measured beside the case. folder: for files of the backend, and
    for log.txt with the output of libraries.
    """

    case: ModelCase
    config: Mapping[str, Any]
    num_classes: int
    max_seconds: float
    reference_seconds: float
    device: str
    folder: Path

    def network(self) -> nn.Module:
        """A network with random weights on the CPU, ready to predict."""
        torch.manual_seed(0)
        network = build.part(self.config, {"num_classes": lambda: self.num_classes})
        drop_auxiliary_heads(network)
        merge_branches(network.eval())
        return network.requires_grad_(False)

    def image(self) -> Tensor:
        shape = (self.case.batch, 3, *self.case.size)
        generator = torch.Generator().manual_seed(0)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator).to(self.device)


def run(task: MeasurementTask, connection: Connection) -> None:
    """Send the measurements, or a note why there are none; a session of its own lets the process be killed whole."""
    os.setsid()
    threading.Thread(target=_end_with_parent, args=(task.folder,), daemon=True).start()
    with (task.folder / "log.txt").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(task.folder / "inductor")  # compiling is timed, not reading a cache
    try:
        if task.device == "cpu":
            limit_to_free_memory()
            keep_freed_memory()  # as segexp.predict does
        for facts in take_measurements(task):
            connection.send(facts)
    except Exception as error:  # any error is the result of this case; the next case may succeed
        connection.send({"note": _reason(error)})


def take_measurements(task: MeasurementTask) -> Iterator[dict[str, Any]]:
    """Measurements of a case as they become known: cost, preparation, a first pass, and the seconds of more passes."""
    network_for_cost = task.network()
    parameters, flops = num_parameters(network_for_cost), num_flops(network_for_cost, task.case.size)
    yield {"parameters": parameters, "flops": flops}
    device, image = torch.device(task.device), task.image()
    start = time.perf_counter()
    network, held_before = prepare_network(task, image)  # loads libraries, which are not counted
    yield {"preparation_seconds": None if task.case.backend == "eager" else time.perf_counter() - start}
    with suppress(OSError):
        reset_peak(device)
    first = duration(partial(_predict, network, image), device)
    yield {"memory": _max_held_or_nan(task, device) - held_before, "first_seconds": first}
    yield time_passes(task, network, image)


def prepare_network(task: MeasurementTask, image: Tensor) -> tuple[Network, float]:
    """The network as its backend runs it, compiled or exported, and the bytes that were held before it was loaded."""
    device, path = image.device, task.folder / "network.onnx"
    if task.case.backend == "onnxruntime":
        export_network(task.network(), image, path)
    if task.case.backend == "compiled" and device.type == "cpu":
        load_compiler()
    held_before = _held_or_nan(device)
    if task.case.backend == "onnxruntime":
        return OnnxNetwork(path, image, task.num_classes), held_before
    arithmetic = decide(task.case.precision, "auto", device)
    network = ReadyNetwork(task.network(), arithmetic).to(device)
    if task.case.backend == "eager":
        return network, held_before
    compiled = compile_network(network)
    _predict(compiled, image)  # the first call compiles
    return compiled, held_before


def time_passes(task: MeasurementTask, network: Network, image: Tensor) -> dict[str, list[float]]:
    """Seconds of as many passes as fit, at least one; passes of the reference in between, by REFERENCE_SHARE."""
    device, seconds, reference_seconds = image.device, list[float](), list[float]()
    predict = partial(_predict, network, image)
    has_reference = task.reference_seconds < task.max_seconds
    if has_reference:
        arithmetic = decide(task.case.reference.precision, "auto", device)
        predict_reference = partial(_predict, ReadyNetwork(task.network(), arithmetic).to(device), image[:1])
        predict_reference()  # the first pass of a network is slower than others
    while not seconds or (len(seconds) < MAX_PASSES and sum(seconds) + max(seconds) < task.max_seconds):
        if has_reference and sum(reference_seconds) <= REFERENCE_SHARE * sum(seconds):
            reference_seconds.append(duration(predict_reference, device))
        seconds.append(duration(predict, device))
    return {"seconds": seconds, "reference_seconds": reference_seconds}


def _predict(network: Network, image: Tensor) -> Tensor:
    """Predict as `segexp.predict` does with images of the network's own size."""
    return segment_to_class_ids(network, image, None, Inference())


def _held_or_nan(device: torch.device) -> float:
    gc.collect()
    try:
        return_freed_memory()
        return held_bytes(device)
    except OSError:
        return math.nan


def _max_held_or_nan(task: MeasurementTask, device: torch.device) -> float:
    if device.type == "cuda" and task.case.backend == "onnxruntime":
        return math.nan  # torch does not count what other libraries take of a GPU
    try:
        return max_held_bytes(device)
    except OSError:
        return math.nan


def _reason(error: Exception) -> str:
    if is_out_of_memory(error):
        return "out of memory"
    return shorten(f"{type(error).__name__}: {' '.join(str(error).split())}")


def shorten(text: str) -> str:
    """The beginning and the end of a long text: libraries say what failed in the one and why in the other."""
    return text if len(text) <= 200 else f"{text[:80]} ... {text[-115:]}"


def _end_with_parent(folder: Path) -> None:
    """Remove the folder and kill this session when the parent ends: a killed parent can do neither."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)
