"""uvicorn, with the limits that it has settings for, and a reaper of slow clients for those it has not."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import uvicorn
from starlette.types import ASGIApp

from segexp.serve.security import SECURITY_HEADERS
from segexp.serve.slow_clients import SlowClientReaper

HEAD_BYTES = 16384
"""The most that a request's line and headers may take."""
BUFFER_BYTES = 262144
"""The system's buffer for each connection and direction, which Linux doubles: at 50 ms to the client 10 MB/s."""


def bind(host: str, port: int) -> socket.socket:
    """Bind a socket to the address; it does not listen yet. Raises OSError that says how to get another address."""
    with _failure_explained(host, port):
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # else the kernel lets each connection have megabytes
            listener.setsockopt(socket.SOL_SOCKET, buffer, BUFFER_BYTES)
        listener.bind(address)
    return listener


def listen(listener: socket.socket) -> None:
    """Let clients connect, who wait until the server runs. Raises OSError as `bind` does: two may have bound it."""
    with _failure_explained(*listener.getsockname()[:2]):
        listener.listen()


@contextmanager
def _failure_explained(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(
            f"cannot listen on {host}:{port} ({error.strerror or error}); end what listens there, "
            "or choose another port=, 0 for any that is free, or another host="
        ) from error


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    return ip_address(listener.getsockname()[0]).is_loopback


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def create_server(app: ASGIApp, reaper: SlowClientReaper, shutdown_seconds: int) -> uvicorn.Server:
    """Make a server that runs until SIGTERM or Ctrl-C; requests in work then may go on for shutdown_seconds."""
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        headers=SECURITY_HEADERS,
        limit_concurrency=reaper.max_connections,
        h11_max_incomplete_event_size=HEAD_BYTES,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=shutdown_seconds,
        timeout_notify=0,
        callback_notify=reaper.end_slow_clients,
    )
    server = uvicorn.Server(config)
    reaper.connections = server.server_state.connections
    return server
