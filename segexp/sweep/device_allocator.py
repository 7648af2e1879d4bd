"""Share the GPUs and CPU threads of this machine out to the jobs that run in parallel."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from segexp.sweep.job import Resources


class DeviceAllocator:
    """Gives each job the GPUs that the fewest others use, and its share of the CPU threads.

    gpus: as CUDA_VISIBLE_DEVICES names them. resources: those of all jobs. num_parallel: jobs at once; None: as many as
    have GPUs of their own, or one. Raises ValueError if this machine lacks what a job asks for.
    """

    def __init__(self, gpus: Sequence[str], resources: Sequence[Resources], num_parallel: int | None) -> None:
        self.num_users = dict.fromkeys(gpus, 0)
        most_gpus = max((self._num_gpus(each) for each in resources), default=0)
        if most_gpus > len(gpus):
            raise ValueError(
                f"trainer.devices asks for {most_gpus} GPUs, and this machine has {len(gpus)} (CUDA_VISIBLE_DEVICES or "
                "nvidia-smi); set trainer.devices to a smaller number, or trainer.accelerator=cpu"
            )
        num_nodes = next((each.num_nodes for each in resources if each.num_nodes != 1), 1)
        if num_nodes != 1:
            raise ValueError(
                f"trainer.num_nodes is {num_nodes}, and this machine is one node; set trainer.num_nodes=1, or use "
                "hydra/launcher=slurm"
            )
        self.num_parallel = num_parallel or (len(gpus) // most_gpus if most_gpus else 1)

    def allocate(self, resources: Resources) -> dict[str, str]:
        """Environment variables for a job that starts now."""
        chosen = sorted(self.num_users, key=lambda gpu: self.num_users[gpu])[: self._num_gpus(resources)]
        for gpu in chosen:
            self.num_users[gpu] += 1
        num_processes = self.num_parallel * max(1, resources.devices or len(chosen))
        threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, num_cores() // num_processes))
        return {"OMP_NUM_THREADS": threads, **({"CUDA_VISIBLE_DEVICES": ",".join(chosen)} if chosen else {})}

    def release(self, environment: Mapping[str, str]) -> None:
        """Take back the GPUs of a job that has ended. environment: what `allocate` returned for it."""
        for gpu in environment.get("CUDA_VISIBLE_DEVICES", "").split(","):
            if gpu in self.num_users:
                self.num_users[gpu] -= 1

    def _num_gpus(self, resources: Resources) -> int:
        if resources.accelerator not in ("gpu", "cuda") and not (resources.accelerator == "auto" and self.num_users):
            return 0
        return len(self.num_users) if resources.devices is None else resources.devices


def visible_gpus() -> list[str]:
    """The GPUs that a training may use, found without loading torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu.strip() for gpu in visible.split(",") if gpu.strip() not in ("", "-1")]
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    answer = subprocess.run(command, capture_output=True, text=True)
    return answer.stdout.split() if answer.returncode == 0 else []


def num_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
