"""Runs and data on object storage, against a server of S3's protocol on this machine."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from segexp.data.cache.entries import cache_entries
from segexp.data.cityscapes import Cityscapes
from segexp.data.pairs import Pair
from segexp.data.reading import read_image
from segexp.run.folder import RunFolder
from segexp.system import remote
from segexp.system.files import partial_file
from tests.data.scene_files import LOOKUP, SOURCE
from tests.full_disk import MOST_BYTES, full_disk
from tests.predict.command import mask, val_pairs
from tests.warm_process import run_module

ACCOUNT = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Address of a server, in a process of its own so that nothing of it is forked into the tests' processes."""
    code = (
        "from moto.server import ThreadedMotoServer; import sys\n"
        "server = ThreadedMotoServer(port=0, verbose=False); server.start()\n"
        "print(*server.get_host_and_port(), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        _, port = process.stdout.readline().split()
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture
def bucket(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """An empty bucket as s3fs sees it; copies go below tmp_path."""
    import s3fs

    for key, value in {**ACCOUNT, "AWS_ENDPOINT_URL": s3, "SEGEXP_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(key, value)
    name = hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16]
    system = s3fs.S3FileSystem()
    system.mkdir(name)
    system.bucket = name
    yield system
    s3fs.S3FileSystem.clear_instance_cache()


def upload(bucket, folder: Path, below: str) -> str:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        bucket.pipe_file(f"{bucket.bucket}/{below}/{file.relative_to(folder)}", file.read_bytes())
    return f"s3://{bucket.bucket}/{below}"


def test_a_data_set_reads_the_same_from_object_storage(bucket, trained: RunFolder) -> None:
    here = val_pairs(trained)
    url = upload(bucket, here[0].image.parents[3], "streets")
    there = Cityscapes(url).pairs("val")
    assert [pair.name for pair in there] == [pair.name for pair in here]
    for mine, theirs in zip(here, there, strict=True):
        np.testing.assert_array_equal(read_image(theirs.image), read_image(mine.image))


def test_a_file_is_copied_once_and_again_when_it_changed(bucket, tmp_path: Path, trained: RunFolder) -> None:
    first, second = (pair.image.read_bytes() for pair in val_pairs(trained)[:2])
    bucket.pipe_file(f"{bucket.bucket}/a.png", first)
    file = remote.path(f"s3://{bucket.bucket}/a.png")
    copy = remote.local_copy(file)
    stamp = copy.stat().st_mtime_ns
    assert remote.local_copy(file) == copy
    assert copy.stat().st_mtime_ns == stamp
    bucket.pipe_file(f"{bucket.bucket}/a.png", second)
    assert remote.local_copy(remote.path(f"s3://{bucket.bucket}/a.png")).read_bytes() == second


def test_what_a_killed_copy_left_is_removed_when_the_file_is_copied_again(bucket) -> None:
    bucket.pipe_file(f"{bucket.bucket}/a.png", b"content")
    file = remote.path(f"s3://{bucket.bucket}/a.png")
    copy = remote.local_copy(file)
    ended = subprocess.Popen(["true"])
    ended.wait()
    with partial_file(copy) as part:
        part.with_name(part.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-")).write_bytes(b"cont")
    copy.unlink()
    assert remote.local_copy(file) == copy
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_a_file_is_copied_once_whether_it_was_listed_or_asked_for(bucket, trained: RunFolder) -> None:
    url = upload(bucket, val_pairs(trained)[0].image.parent, "images")
    listed = sorted(remote.path(url).iterdir())[0]
    copy = remote.local_copy(listed)
    type(bucket).clear_instance_cache()
    assert remote.local_copy(remote.path(str(listed))) == copy


def test_arrays_are_made_again_of_an_equally_large_file_of_the_same_second(bucket, tmp_path: Path) -> None:
    """As a storage tells its times."""
    keys = []
    for content in (b"first", b"other"):
        bucket.pipe_file(f"{bucket.bucket}/a.png", content)
        file = remote.path(f"s3://{bucket.bucket}/a.png")
        entries = cache_entries(SOURCE, [Pair(file, file, "a")], LOOKUP, tmp_path, None, None, None)
        keys.append([each.fingerprint for each in entries])
    assert not {*keys[0]} & {*keys[1]}


def test_a_full_disk_here_is_no_fault_of_the_storage(bucket, tmp_path: Path) -> None:
    bucket.pipe_file(f"{bucket.bucket}/run/config.yaml", bytes(2 * MOST_BYTES))
    with full_disk(), pytest.raises(OSError, match="^could not write .*cache.*free some space .*, by SEGEXP_CACHE$"):
        RunFolder.fetch(f"s3://{bucket.bucket}/run", "last")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def read_in_a_fork(pair: Pair) -> float:
    return float(read_image(pair.image).mean())


def test_workers_read_from_object_storage(bucket, trained: RunFolder) -> None:
    """A connection does not survive a fork: each process makes its own."""
    here = val_pairs(trained)
    there = Cityscapes(upload(bucket, here[0].image.parents[3], "streets")).pairs("val")
    with ProcessPoolExecutor(2, get_context("fork")) as pool:  # a Pool ends its processes by SIGTERM, which tests catch
        found = list(pool.map(read_in_a_fork, there))
    assert found == [read_in_a_fork(pair) for pair in here]


def test_a_run_predicts_from_object_storage_as_from_here(bucket, trained: RunFolder, tmp_path: Path) -> None:
    url = upload(bucket, trained.path, "runs/run")
    photos = val_pairs(trained)[0].image.parent
    for place, out in ((trained.path, "here"), (url, "there")):
        arguments = (f"run={place}", "checkpoint=last", f"input={photos}", f"output={tmp_path / out}", "device=cpu")
        answer = run_module("segexp.predict", *arguments, environment=os.environ)
        assert answer.returncode == 0, answer.stderr
    for file in (tmp_path / "here" / "masks").iterdir():
        np.testing.assert_array_equal(mask(file), mask(tmp_path / "there" / "masks" / file.name))
    copied = {path.name.rpartition("_")[2] for path in (tmp_path / "cache").rglob("*.ckpt")}  # after its version
    assert copied == {"last.ckpt"}  # only what predicts is fetched


def test_what_was_removed_there_is_removed_here(bucket, trained: RunFolder) -> None:
    url = upload(bucket, trained.path, "runs/run")
    bucket.pipe_file(f"{bucket.bucket}/runs/run/evaluation/old/metrics.json", b"{}")
    run = RunFolder.fetch(url, "last")
    assert (run.evaluation("old") / "metrics.json").is_file()
    bucket.rm_file(f"{bucket.bucket}/runs/run/evaluation/old/metrics.json")
    assert not (RunFolder.fetch(url, "last").evaluation("old") / "metrics.json").exists()
    assert run.config == trained.config


@pytest.mark.parametrize(
    ("place", "answered"),
    [
        ("s3://BUCKET/nothing", "nothing at s3://.*/nothing: no config.yaml.*check the address and your credentials"),
        ("nope://a/b", r"cannot read nope://a/b \(ValueError: .*segexp\[cloud\]"),
    ],
)
def test_a_place_that_is_not_there_gets_one_clear_error(bucket, place: str, answered: str) -> None:
    with pytest.raises(OSError, match=answered):
        RunFolder.fetch(place.replace("BUCKET", bucket.bucket), "best")


def test_storage_that_does_not_answer_is_named(bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    type(bucket).clear_instance_cache()
    with pytest.raises(OSError, match=r"cannot read s3://elsewhere/run .*check the address"):
        RunFolder.fetch("s3://elsewhere/run", "best")
