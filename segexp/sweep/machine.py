"""What the parallel jobs of one machine share: its GPUs, or its CPU threads."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from segexp.sweep.job import Demand


class Machine:
    """Gives each job the GPUs that the fewest others use.

    gpus: as CUDA_VISIBLE_DEVICES names them. demands: of all jobs. num_parallel: jobs at once; None: as many as have
    GPUs of their own, or one. Raises ValueError for what the machine cannot do.
    """

    def __init__(self, gpus: Sequence[str], demands: Sequence[Demand], num_parallel: int | None) -> None:
        self.users = dict.fromkeys(gpus, 0)
        widest = max((self._num_gpus(demand) for demand in demands), default=0)
        if widest > len(gpus):
            raise ValueError(f"trainer.devices asks for {widest} GPUs, this machine shows {len(gpus)}")
        if any(demand.num_nodes != 1 for demand in demands):
            raise ValueError("trainer.num_nodes is above 1; one machine is one node: use hydra/launcher=slurm")
        if num_parallel is not None and (type(num_parallel) is not int or num_parallel < 1):
            raise ValueError(f"hydra.launcher.num_parallel is {num_parallel!r}; allowed: whole numbers from 1, null")
        self.num_parallel = num_parallel or (len(gpus) // widest if widest else 1)

    def take(self, demand: Demand) -> dict[str, str]:
        """Environment variables of a job that starts now."""
        chosen = sorted(self.users, key=lambda gpu: self.users[gpu])[: self._num_gpus(demand)]
        for gpu in chosen:
            self.users[gpu] += 1
        processes = self.num_parallel * max(1, demand.devices or len(chosen))
        threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, num_cores() // processes))
        return {"OMP_NUM_THREADS": threads, **({"CUDA_VISIBLE_DEVICES": ",".join(chosen)} if chosen else {})}

    def give_back(self, environment: Mapping[str, str]) -> None:
        for gpu in environment.get("CUDA_VISIBLE_DEVICES", "").split(","):
            if gpu in self.users:
                self.users[gpu] -= 1

    def _num_gpus(self, demand: Demand) -> int:
        if demand.accelerator not in ("gpu", "cuda") and not (demand.accelerator == "auto" and self.users):
            return 0
        return len(self.users) if demand.devices is None else demand.devices


def visible_gpus() -> list[str]:
    """GPUs that a training may use, found without loading torch."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [gpu.strip() for gpu in given.split(",") if gpu.strip() not in ("", "-1")]
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    answer = subprocess.run(command, capture_output=True, text=True)
    return answer.stdout.split() if answer.returncode == 0 else []


def num_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
