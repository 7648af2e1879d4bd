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
from segexp.serve.server import bind, listen
from segexp.serve.settings import ServeSettings
from segexp.system.signals import TERMINATED
from tests.process import status_when_told_to_end, until
from tests.serve import upload_files
from tests.serve.server_process import (
    PATIENCE,
    ROOT,
    SERVE,
    Server,
    environment,
    run_to_end,
    running_server,
    server_process,
)

START_STEPS = ("ENTRYPOINT", "CMD")


@pytest.mark.parametrize(
    ("typed", "facts"),
    [
        (["prot=80"], ["no key 'prot'", "did you mean port?"]),
        (["max_queue=0"], ["max_queue is 0", "at least 1"]),
        (["split=test"], ["test; ", "choose another split, or set data.root", "serve uploads alone by data=null"]),
        (["host=203.0.113.9"], ["cannot listen on 203.0.113.9:0", "another host="]),
    ],
)
def test_a_mistake_is_answered_in_one_message_with_the_cure(run: RunFolder, typed: list[str], facts: list[str]) -> None:
    refusal = run_to_end(f"run={run.path}", "port=0", *typed)
    assert refusal.returncode == 1
    assert refusal.stderr.startswith("segexp.serve: ")
    assert "Traceback" not in refusal.stderr
    assert [fact for fact in facts if fact not in refusal.stderr] == [], refusal.stderr


def refusal_of(*typed: str) -> str:
    with pytest.raises(ValueError, match=r"\S") as refusal:
        ServeSettings.of(compose("serve", ["run=RUN", *typed]))
    return str(refusal.value)


@pytest.mark.parametrize(
    ("typed", "facts"),
    [
        ("port=80.5", ["port is 80.5", "whole number", "65535"]),
        ("port=70000", ["port is 70000", "0, for any port that is free", "65535"]),
        ("client_seconds=soon", ["client_seconds is 'soon'", "seconds", "0 to 3600"]),
        ("max_connections=7", ["max_connections is 7", "at least 8"]),
        ("max_pixels=1023", ["max_pixels is 1023", "at least 1024"]),
        ("split=7", ["split is 7", "null", "name of a split"]),
        ("allowed_hosts=me", ["allowed_hosts is 'me'", "null", "list of names"]),
        ("flip=maybe", ["flip is 'maybe'", "true, false"]),
        ("stride=[64,64]", ["stride is [64, 64]", "window is null"]),
    ],
)
def test_a_setting_that_cannot_be_is_refused(typed: str, facts: list[str]) -> None:
    message = refusal_of(typed)
    assert [fact for fact in facts if fact not in message] == [], message


@pytest.mark.parametrize("typed", ["token=271828", "token='  '", "token=[271828]", "token={key:271828}"])
def test_a_token_that_is_refused_or_stored_is_never_shown(typed: str) -> None:
    message = refusal_of(typed)
    assert [fact for fact in ("token", "null", "quote what looks like a number") if fact not in message] == [], message
    assert "271828" not in message
    assert "271828" not in refusal_of("token=t271828", "port=70000")
    assert "271828" not in repr(ServeSettings.of(compose("serve", ["run=RUN", "token=t271828"])))


def test_a_port_in_use_is_refused_before_anything_is_loaded(run: RunFolder, server: Server, tmp_path: Path) -> None:
    torn = RunFolder(Path(shutil.copytree(run.path, tmp_path / "run")))
    torn.checkpoint("best").write_bytes(b"")
    refusal = run_to_end(f"run={torn.path}", f"port={server.port}")
    assert refusal.returncode == 1
    assert f"cannot listen on 127.0.0.1:{server.port} (Address already in use)" in refusal.stderr
    assert "choose another port=" in refusal.stderr


def test_requests_in_work_at_sigterm_are_still_answered(run: RunFolder, tmp_path: Path) -> None:
    typed = [f"run={run.path}", "data=null", f"shutdown_seconds={PATIENCE}"]
    paused = {"module": "tests.serve.paused", "GO_ON": str(tmp_path / "go_on")}
    with ThreadPoolExecutor(1) as pool, running_server(*typed, **paused) as server:
        files = {"file": upload_files.png(upload_files.pixels())}
        answer = pool.submit(server.client.post, "/api/predict", files=files)
        until(lambda: answer.done() or "segexp_queue_requests 1.0" in server.client.get("/metrics").text)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: not _listens(server.port))
        with pytest.raises(TimeoutError):  # a server that gives no time has dropped it by then
            answer.result(1)
        (tmp_path / "go_on").touch()
        assert answer.result(PATIENCE).status_code == 200
        assert server.process.wait(PATIENCE) == TERMINATED


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


def test_clients_can_connect_as_soon_as_the_address_is_printed(run: RunFolder) -> None:
    with server_process(f"run={run.path}", "data=null") as server:
        host, port = server.address.removeprefix("http://").strip("/").split(":")
        socket.create_connection((host, int(port))).close()


def test_of_two_servers_that_start_on_one_port_at_once_the_second_is_refused() -> None:
    with bind("127.0.0.1", 0) as first, bind("127.0.0.1", first.getsockname()[1]) as second:
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
    start, further = (json.loads(next(rest for word, rest in reversed(steps) if word == name)) for name in START_STEPS)
    assert start[0] == "python"
    further = [f"run={run.path}" if each == "run=/mnt/run" else each for each in further]
    with running_server(*further, "allowed_hosts=[segexp.example.org]", command=[sys.executable, *start[1:]]) as server:
        _assert_serves_uploads_alone(server)
        check = next(rest.partition("CMD ")[2] for word, rest in steps if word == "HEALTHCHECK")
        health = [sys.executable, *json.loads(check)[1:]]
        health[-1] = health[-1].replace("8000", str(server.port)).replace("timeout=4", f"timeout={PATIENCE}")
        behind_a_proxy = {**os.environ, "http_proxy": "http://proxy.invalid"}
        assert subprocess.run(health, env=behind_a_proxy).returncode == 0
        server.process.kill()
        server.process.wait()
        assert subprocess.run(health, stderr=subprocess.DEVNULL).returncode == 1
    assert "warning: no token, so 0.0.0.0 is open to everyone; set SEGEXP_TOKEN" in capfd.readouterr().err


def _assert_serves_uploads_alone(server: Server) -> None:
    assert "uploads only" in server.output
    description = server.client.get("/api/classes").json()
    assert (description["split"], description["miou"]) == (None, None)
    assert server.client.get("/api/images").json()["total"] == 0
    files = {"file": upload_files.png(upload_files.pixels())}
    assert server.client.post("/api/predict", files=files).status_code == 200
    named = {"host": "segexp.example.org"}
    assert server.client.get("/api/classes", headers=named).status_code == 200
    assert server.client.get("/api/classes", headers={"host": "other.example.org"}).status_code == 421
