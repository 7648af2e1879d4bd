"""`python -m segexp.serve` as a process, and what a client without manners sends to it."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import httpx
import psutil

from tests.process import PATIENCE

ROOT = Path(__file__).parents[2]
SERVE = (sys.executable, "-m", "segexp.serve")
FRESH = httpx.Limits(max_keepalive_connections=0)
"""A connection that the server just closed for being idle would fail the next request."""


class Server(NamedTuple):
    """said: what it printed when it was ready."""

    process: subprocess.Popen[str]
    said: str
    client: httpx.Client

    @property
    def port(self) -> int:
        return self.client.base_url.port

    @property
    def resident_bytes(self) -> int:
        return psutil.Process(self.process.pid).memory_info().rss

    def wait_until_gone(self, client: socket.socket) -> None:
        """Until the server has closed its end of a connection on which it has begun to answer."""
        client.recv(1, socket.MSG_PEEK)  # before this, the server may not have its end yet
        process, deadline = psutil.Process(self.process.pid), time.monotonic() + PATIENCE
        while client.getsockname() in [each.raddr for each in process.net_connections("tcp")]:
            assert time.monotonic() < deadline, "the server still holds the connection"
            time.sleep(0.1)


def environment(**further: str) -> dict[str, str]:
    """With as many threads as the test has, so that both add numbers in one order."""
    inherited = {key: value for key, value in os.environ.items() if key != "SEGEXP_TOKEN"}
    return {**inherited, "PYTHONPATH": str(ROOT), **further}


class Listening(Protocol):
    """What can be connected to, this process or another."""

    @property
    def port(self) -> int: ...


class Started(NamedTuple):
    """said: what it printed when it was ready. address: of that."""

    process: subprocess.Popen[str]
    said: str
    address: str


@contextmanager
def started(*arguments: str, command: Sequence[str] = SERVE, **env: str) -> Iterator[Started]:
    """A server until the body ends, on a free port if they name none; its warnings go where those of the test go."""
    process = subprocess.Popen(
        [*command, "port=0", *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment(**env)
    )
    try:
        assert process.stdout is not None
        said = ""
        while not (url := re.search(r"http://\S+", said)):
            line = process.stdout.readline()
            assert line, f"the server did not start: {said}"
            said += line
        yield Started(process, said, url[0].replace("0.0.0.0", "127.0.0.1"))
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


@contextmanager
def serving(*arguments: str, command: Sequence[str] = SERVE, **env: str) -> Iterator[Server]:
    """As `started`, with a client of it."""
    with (
        started(*arguments, command=command, **env) as found,
        httpx.Client(base_url=found.address, timeout=PATIENCE, trust_env=False, limits=FRESH) as client,
    ):
        yield Server(found.process, found.said, client)


def answer(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Of a server that is not expected to start."""
    command = [*SERVE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment(**env), timeout=PATIENCE)


def connected(server: Listening, content: bytes, receive_bytes: int | None = None) -> socket.socket:
    """A socket that sent the content. receive_bytes: how much the system may take in for who does not read."""
    found = socket.socket()
    if receive_bytes:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    found.settimeout(PATIENCE)
    found.connect(("127.0.0.1", server.port))
    found.sendall(content)
    return found


def raw(server: Server, content: bytes) -> bytes:
    """All that is answered to these bytes until the server closes."""
    with connected(server, content) as client:
        return until_closed(client)


def until_closed(client: socket.socket) -> bytes:
    found = io.BytesIO()
    while chunk := client.recv(65536):
        found.write(chunk)
    return found.getvalue()
