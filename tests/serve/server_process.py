"""`python -m segexp.serve` as a process, and clients that send raw bytes to it."""

import io
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import httpx
import psutil

from tests.process import PATIENCE, until
from tests.warm_process import ForkedModule, run_module

ROOT = Path(__file__).parents[2]
SERVE = (sys.executable, "-m", "segexp.serve")
FRESH = httpx.Limits(max_keepalive_connections=0)
"""A connection that the server just closed for being idle would fail the next request."""


class Server(NamedTuple):
    """output: what it printed until it was ready."""

    process: subprocess.Popen[bytes] | ForkedModule
    output: str
    client: httpx.Client

    @property
    def port(self) -> int:
        return self.client.base_url.port

    @property
    def resident_bytes(self) -> int:
        return psutil.Process(self.process.pid).memory_info().rss

    def wait_until_gone(self, client: socket.socket) -> None:
        """Wait until the server has closed its end of a connection on which it has begun to answer."""
        client.recv(1, socket.MSG_PEEK)  # before this, the server may not have its end yet
        process, deadline = psutil.Process(self.process.pid), time.monotonic() + PATIENCE
        while client.getsockname() in [each.raddr for each in process.net_connections("tcp")]:
            assert time.monotonic() < deadline, "the server still holds the connection"
            time.sleep(0.1)


def environment(**further: str) -> dict[str, str]:
    """The environment of a server; it has as many threads as the test, so that both add numbers in one order."""
    inherited = {key: value for key, value in os.environ.items() if key != "SEGEXP_TOKEN"}
    return {**inherited, "PYTHONPATH": str(ROOT), **further}


class HasPort(Protocol):
    """A server that can be connected to, in this process or another."""

    @property
    def port(self) -> int: ...


class ServerProcess(NamedTuple):
    """output: what it printed until it was ready. address: the URL that stands there."""

    process: subprocess.Popen[bytes] | ForkedModule
    output: str
    address: str


@contextmanager
def server_process(
    *arguments: str, module: str = "segexp.serve", command: Sequence[str] | None = None, **env: str
) -> Iterator[ServerProcess]:
    """Run a server until the body ends, on a free port if the arguments name none.

    command: what starts it in a new Python instead, which then shares the test's stderr.
    """
    with tempfile.TemporaryDirectory() as place:
        output, typed = Path(place, "stdout"), ("port=0", *arguments)
        process: subprocess.Popen[bytes] | ForkedModule
        if command is None:
            process = ForkedModule(module, *typed, place=Path(place), environment=environment(**env))
        else:
            with output.open("wb") as file:
                process = subprocess.Popen([*command, *typed], stdout=file, cwd=ROOT, env=environment(**env))
        try:
            until(lambda: process.poll() is not None or _address(output))
            address = _address(output)
            assert address, f"the server did not start: {[path.read_text() for path in Path(place).iterdir()]}"
            yield ServerProcess(process, output.read_text(), address)
        finally:
            process.kill()
            process.wait()


def _address(output: Path) -> str:
    """The URL in the first whole line that has one; empty until there is one."""
    url = re.search(r"(http://\S+).*\n", output.read_text() if output.is_file() else "")
    return url[1].replace("0.0.0.0", "127.0.0.1") if url else ""


@contextmanager
def running_server(*arguments: str, **options: Any) -> Iterator[Server]:
    """Run a server as `server_process` does, with a client of it."""
    with (
        server_process(*arguments, **options) as started,
        httpx.Client(base_url=started.address, timeout=PATIENCE, trust_env=False, limits=FRESH) as client,
    ):
        yield Server(started.process, started.output, client)


def run_to_end(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to end by itself, as it refuses what it is given."""
    return run_module("segexp.serve", *arguments, environment=environment(**env))


def connect_and_send(server: HasPort, content: bytes, receive_bytes: int | None = None) -> socket.socket:
    """Open a socket and send the content. receive_bytes: how much the system buffers while the client does not read."""
    client = socket.socket()
    if receive_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.settimeout(PATIENCE)
    client.connect(("127.0.0.1", server.port))
    client.sendall(content)
    return client


def raw_answer(server: Server, content: bytes) -> bytes:
    """Return all that is answered to these bytes until the server closes."""
    with connect_and_send(server, content) as client:
        return read_until_closed(client)


def read_until_closed(client: socket.socket) -> bytes:
    answer = io.BytesIO()
    while chunk := client.recv(65536):
        answer.write(chunk)
    return answer.getvalue()
