"""uvicorn, with the limits that it lets one set and the doorkeeper for those it does not."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import uvicorn
from starlette.types import ASGIApp

from segexp.serve.doorkeeper import Doorkeeper
from segexp.serve.gate import HEADERS

HEAD_BYTES = 16384
"""Of a request's line and headers."""
BUFFER_BYTES = 262144
"""Of the system for each connection and direction, which Linux doubles: at 50 ms to the client 10 MB/s."""


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the address, but does not listen yet. Raises OSError that says how to get another."""
    with _told(host, port):
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # else the kernel lets each connection have megabytes
            found.setsockopt(socket.SOL_SOCKET, buffer, BUFFER_BYTES)
        found.bind(address)
    return found


def listen(found: socket.socket) -> None:
    """Let clients connect, who wait until `made` serves them. Raises OSError as `bound` does: two may have bound it."""
    with _told(*found.getsockname()[:2]):
        found.listen()


@contextmanager
def _told(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(
            f"cannot listen on {host}:{port} ({error.strerror or error}); end what listens there, "
            "or choose another port=, 0 for any that is free, or another host="
        ) from error


def is_local(found: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    return ip_address(found.getsockname()[0]).is_loopback


def address(found: socket.socket) -> str:
    host, port = found.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def made(app: ASGIApp, doorkeeper: Doorkeeper, shutdown_seconds: int) -> uvicorn.Server:
    """It serves until SIGTERM or Ctrl-C; what is in work then may go on for shutdown_seconds."""
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        headers=HEADERS,
        limit_concurrency=doorkeeper.max_connections,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=shutdown_seconds,
        timeout_notify=0,
        callback_notify=doorkeeper.look,
    )
    server = uvicorn.Server(config)
    doorkeeper.connections = server.server_state.connections
    return server
