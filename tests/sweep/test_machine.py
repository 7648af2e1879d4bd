"""GPUs and CPU threads are shared out."""

import pytest

from segexp.sweep.job import Demand
from segexp.sweep.machine import Machine, num_cores, visible_gpus

GPU = Demand("gpu", 1, 1)


@pytest.fixture(autouse=True)
def no_given_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def test_each_job_has_gpus_of_its_own_and_gives_them_back() -> None:
    machine = Machine(["a", "b", "c", "d"], [Demand("gpu", 2, 1)], None)
    assert machine.num_parallel == 2
    first, second = machine.take(Demand("auto", 2, 1)), machine.take(Demand("cuda", 2, 1))
    assert [each["CUDA_VISIBLE_DEVICES"] for each in (first, second)] == ["a,b", "c,d"]
    machine.give_back(first)
    assert machine.take(GPU)["CUDA_VISIBLE_DEVICES"] == "a"


def test_more_jobs_than_gpus_share_them_evenly() -> None:
    machine = Machine(["a", "b"], [GPU], 4)
    assert sorted(machine.take(GPU)["CUDA_VISIBLE_DEVICES"] for _ in range(4)) == ["a", "a", "b", "b"]


def test_all_devices_of_a_machine() -> None:
    machine = Machine(["a", "b"], [Demand("auto", None, 1)], None)
    assert machine.num_parallel == 1
    assert machine.take(Demand("auto", None, 1))["CUDA_VISIBLE_DEVICES"] == "a,b"


def test_jobs_on_the_cpu_share_its_threads_and_no_gpu() -> None:
    machine = Machine(["a"], [Demand("cpu", 1, 1)], 2)
    assert machine.take(Demand("cpu", 1, 1)) == {"OMP_NUM_THREADS": str(max(1, num_cores() // 2))}
    assert machine.take(Demand("cpu", 2, 1)) == {"OMP_NUM_THREADS": str(max(1, num_cores() // 4))}


def test_given_threads_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert Machine([], [], 2).take(Demand("cpu", 1, 1)) == {"OMP_NUM_THREADS": "3"}


@pytest.mark.parametrize(
    ("demand", "num_parallel", "said"),
    [
        (Demand("gpu", 3, 1), None, "asks for 3 GPUs, this machine shows 1"),
        (Demand("cpu", 1, 2), None, "use hydra/launcher=slurm"),
        (GPU, 0, "num_parallel is 0"),
        (GPU, True, "num_parallel is True"),
    ],
)
def test_what_a_machine_cannot_do_is_said(demand: Demand, num_parallel: int | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Machine(["a"], [demand], num_parallel)


@pytest.mark.parametrize(("given", "gpus"), [("1, 3", ["1", "3"]), ("", []), ("-1", []), ("GPU-5f", ["GPU-5f"])])
def test_only_visible_gpus_are_shared(given: str, gpus: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert visible_gpus() == gpus
