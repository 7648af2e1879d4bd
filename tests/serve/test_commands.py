"""The server as a user starts and ends it, mistakes included."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from segexp.config.compose import compose
from segexp.data.camvid import CamVid
from segexp.run.folder import RunFolder
from segexp.serve import __main__
from segexp.serve.server import bound, listen
from segexp.system.signals import TERMINATED
from tests.process import status_when_told_to_end, until
from tests.serve import photos
from tests.serve.command import PATIENCE, ROOT, SERVE, Server, answer, environment, serving, started

STARTED = ("ENTRYPOINT", "CMD")
HELD = """
import os, runpy, time
import torch

def hold(network, arguments):
    while not os.path.exists(os.environ["FREE"]):
        time.sleep(0.02)

torch.nn.modules.module.register_module_forward_pre_hook(hold)
runpy.run_module("segexp.serve", run_name="__main__")
"""
"""The command, whose network waits until there is a file $FREE."""


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["prot=80"], "no key 'prot'.*did you mean port?"),
        (["max_queue=0"], "max_queue is 0; needed is at least 1"),
        (["split=test"], "test; .*choose another split, or set data.root.*or serve uploads alone by data=null"),
        (["host=203.0.113.9"], "cannot listen on 203.0.113.9:0.*another host="),
    ],
)
def test_a_mistake_is_answered_in_one_message_with_the_cure(run: RunFolder, typed: list[str], told: str) -> None:
    found = answer(f"run={run.path}", "port=0", *typed)
    assert found.returncode == 1
    assert found.stderr.startswith("segexp.serve: ")
    assert "Traceback" not in found.stderr
    assert all(part in found.stderr for part in told.split(".*"))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("port=80.5", "port is 80.5; needed is a int"),
        ("port=70000", "port is 70000; needed is 0, for any that is free, to 65535"),
        ("client_seconds=soon", "client_seconds is 'soon'; needed are 0 to 3600 seconds"),
        ("token=7", "token is 7; needed is null or a text"),
        ("allowed_hosts=me", "allowed_hosts is 'me'; needed are names"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(typed: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        __main__.check(compose("serve", ["run=RUN", typed]))


def test_a_port_in_use_is_told_before_anything_is_loaded(run: RunFolder, server: Server, tmp_path: Path) -> None:
    torn = RunFolder(Path(shutil.copytree(run.path, tmp_path / "run")))
    torn.checkpoint("best").write_bytes(b"")
    found = answer(f"run={torn.path}", f"port={server.port}")
    assert found.returncode == 1
    assert f"cannot listen on 127.0.0.1:{server.port} (Address already in use)" in found.stderr
    assert "choose another port=" in found.stderr


def test_what_is_in_work_when_the_server_is_told_to_stop_is_still_answered(run: RunFolder, tmp_path: Path) -> None:
    typed = [f"run={run.path}", "data=null", f"shutdown_seconds={PATIENCE}"]
    held = {"command": [sys.executable, "-c", HELD], "FREE": str(tmp_path / "free")}
    with ThreadPoolExecutor(1) as pool, serving(*typed, **held) as found:
        asked = pool.submit(found.client.post, "/api/predict", files={"file": photos.png(photos.pixels())})
        until(lambda: asked.done() or "segexp_queue_requests 1.0" in found.client.get("/metrics").text)
        found.process.send_signal(signal.SIGTERM)
        until(lambda: not _listens(found.port))
        with pytest.raises(TimeoutError):  # a server that gives no time has dropped it by then
            asked.result(1)
        (tmp_path / "free").touch()
        assert asked.result(PATIENCE).status_code == 200
        assert found.process.wait(PATIENCE) == TERMINATED


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except OSError:
        return False
    return True


def test_a_server_that_still_loads_ends_when_it_is_told_to(run: RunFolder, tmp_path: Path) -> None:
    """By itself, as the kernel does not end the first process of a container."""
    loading = Path(shutil.copytree(run.path, tmp_path / "run"))
    command, read = [*SERVE, "port=0", f"run={loading}", "data=null"], loading / "environment.json"
    assert status_when_told_to_end(command, reading=read, cwd=ROOT, env=environment()) == TERMINATED


def test_clients_can_connect_as_soon_as_the_address_is_told(run: RunFolder) -> None:
    with started(f"run={run.path}", "data=null") as found:
        host, port = found.address.removeprefix("http://").strip("/").split(":")
        socket.create_connection((host, int(port))).close()


def test_of_two_servers_that_start_on_one_port_at_once_the_second_is_told() -> None:
    with bound("127.0.0.1", 0) as first, bound("127.0.0.1", first.getsockname()[1]) as second:
        listen(first)
        with pytest.raises(OSError, match=r"cannot listen on 127.0.0.1:\d+ .*choose another port="):
            listen(second)


def test_the_advice_about_data_that_are_not_there_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="fetch the public copy") as error:
        CamVid(str(tmp_path / "nowhere")).pairs("val")
    advice = re.search(r"add (\S+) to fetch", str(error.value))
    assert advice
    for command, given in (("serve", ["run=RUN"]), ("train", ["data=camvid", "data.root=/nowhere"])):
        assert compose(command, [*given, advice[1]])["data"]["download"] is True


def test_the_container_copies_what_there_is_and_serves_uploads_to_all_with_a_warning(run: RunFolder, capfd) -> None:
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", "").splitlines()
    steps = [(word, rest.strip()) for word, _, rest in (line.strip().partition(" ") for line in lines)]
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for word, rest in steps:
        if word == "COPY":
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert source in allowed
    extras = {part for _, rest in steps if "'.[" in rest for part in rest.split("'.[")[1].split("]")[0].split(",")}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {"serve", "cloud"} == extras <= set(declared)
    start, further = (json.loads(next(rest for word, rest in reversed(steps) if word == name)) for name in STARTED)
    assert start[0] == "python"
    further = [f"run={run.path}" if each == "run=/mnt/run" else each for each in further]
    with serving(*further, "allowed_hosts=[segexp.example.org]", command=[sys.executable, *start[1:]]) as found:
        _assert_serves_uploads_alone(found)
        check = next(rest.partition("CMD ")[2] for word, rest in steps if word == "HEALTHCHECK")
        health = [sys.executable, *json.loads(check)[1:]]
        health[-1] = health[-1].replace("8000", str(found.port)).replace("timeout=4", f"timeout={PATIENCE}")
        behind_a_proxy = {**os.environ, "http_proxy": "http://proxy.invalid"}
        assert subprocess.run(health, env=behind_a_proxy).returncode == 0
        found.process.kill()
        found.process.wait()
        assert subprocess.run(health, stderr=subprocess.DEVNULL).returncode == 1
    assert "warning: whoever reaches 0.0.0.0 may use this server; set SEGEXP_TOKEN" in capfd.readouterr().err


def _assert_serves_uploads_alone(found: Server) -> None:
    assert "uploads only" in found.said
    told = found.client.get("/api/classes").json()
    assert (told["split"], told["miou"]) == (None, None)
    assert found.client.get("/api/images").json()["total"] == 0
    files = {"file": photos.png(photos.pixels())}
    assert found.client.post("/api/predict", files=files).status_code == 200
    named = {"host": "segexp.example.org"}
    assert found.client.get("/api/classes", headers=named).status_code == 200
    assert found.client.get("/api/classes", headers={"host": "other.example.org"}).status_code == 421
