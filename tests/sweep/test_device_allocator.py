"""GPUs and CPU threads are shared out."""

import re

import pytest

from segexp.sweep.device_allocator import DeviceAllocator, num_cores, visible_gpus
from segexp.sweep.job import Resources

GPU = Resources("gpu", 1, 1)


@pytest.fixture(autouse=True)
def no_thread_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def test_each_job_has_gpus_of_its_own_and_gives_them_back() -> None:
    allocator = DeviceAllocator(["a", "b", "c", "d"], [Resources("gpu", 2, 1)], None)
    assert allocator.num_parallel == 2
    first, second = allocator.allocate(Resources("auto", 2, 1)), allocator.allocate(Resources("cuda", 2, 1))
    assert [each["CUDA_VISIBLE_DEVICES"] for each in (first, second)] == ["a,b", "c,d"]
    allocator.release(first)
    assert allocator.allocate(GPU)["CUDA_VISIBLE_DEVICES"] == "a"


def test_more_jobs_than_gpus_share_them_evenly() -> None:
    allocator = DeviceAllocator(["a", "b"], [GPU], 4)
    assert sorted(allocator.allocate(GPU)["CUDA_VISIBLE_DEVICES"] for _ in range(4)) == ["a", "a", "b", "b"]


def test_devices_auto_takes_all_gpus_of_the_machine() -> None:
    allocator = DeviceAllocator(["a", "b"], [Resources("auto", None, 1)], None)
    assert allocator.num_parallel == 1
    assert allocator.allocate(Resources("auto", None, 1))["CUDA_VISIBLE_DEVICES"] == "a,b"


def test_jobs_on_the_cpu_share_its_threads_and_no_gpu() -> None:
    allocator = DeviceAllocator(["a"], [Resources("cpu", 1, 1)], 2)
    assert allocator.allocate(Resources("cpu", 1, 1)) == {"OMP_NUM_THREADS": str(max(1, num_cores() // 2))}
    assert allocator.allocate(Resources("cpu", 2, 1)) == {"OMP_NUM_THREADS": str(max(1, num_cores() // 4))}


def test_a_thread_limit_of_the_user_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert DeviceAllocator([], [], 2).allocate(Resources("cpu", 1, 1)) == {"OMP_NUM_THREADS": "3"}


@pytest.mark.parametrize(
    ("resources", "facts"),
    [
        (Resources("gpu", 3, 1), ("trainer.devices", "3 GPUs", "has 1", "trainer.accelerator=cpu")),
        (Resources("cpu", 1, 2), ("trainer.num_nodes is 2", "hydra/launcher=slurm")),
    ],
)
def test_more_than_the_machine_has_is_refused(resources: Resources, facts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(facts[0])) as refusal:
        DeviceAllocator(["a"], [resources], None)
    assert [fact for fact in facts if fact not in str(refusal.value)] == [], refusal.value


@pytest.mark.parametrize(("visible", "gpus"), [("1, 3", ["1", "3"]), ("", []), ("-1", []), ("GPU-5f", ["GPU-5f"])])
def test_only_visible_gpus_are_shared(visible: str, gpus: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert visible_gpus() == gpus
