"""What every request passes: is it called by a name of ours, may it come in, how long did it take."""

import hmac
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segexp.serve.errors import error_response
from segexp.serve.figures import Figures

OPEN = ("/", "/healthz", "/openapi.json")
"""Beside /static/: what needs no token. Everything else does, also what does not exist."""
LOCAL = ("localhost", "127.0.0.1", "[::1]")
SMALL_BYTES = 65536
"""What the system buffers for each connection anyway."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
"""Of every response. The page may load from here alone; data: and blob: are how it shows what the API sent inline."""


class Gate:
    """Around the whole app.

    token: None for none. hosts: names it may be called by, None for any: a web page elsewhere can let its own name
    point to 127.0.0.1, and would then read what it gets. make_room: told of an answer's bytes before they are sent.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str | None,
        hosts: tuple[str, ...] | None,
        make_room: Callable[[int], None],
        figures: Figures,
    ) -> None:
        self.app = app
        self.token = token
        self.hosts = hosts
        self.make_room = make_room
        self.figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}  # whose body uvicorn keeps back
        started, code = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                _forbid_keeping(message, scope["path"])
            elif not is_head and len(message.get("body", b"")) > SMALL_BYTES:
                self.make_room(len(message["body"]))
            await send(message)

        try:
            await (self._refusal(scope) or self.app)(scope, receive, sending)
        finally:
            route = _route(scope)
            self.figures.requests.labels(route, str(code)).inc()
            self.figures.seconds.labels(route).observe(time.perf_counter() - started)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        name = _without_port(headers.get("host", "").lower())
        if self.hosts is not None and name not in self.hosts:
            allowed = ", ".join(self.hosts)
            return error_response(421, f"called as {name[:100]!r}; allowed: {allowed}, and what allowed_hosts= names")
        is_open = path in OPEN or path.startswith("/static/")
        if self.token is None or is_open or _is_bearer(headers.get("authorization", ""), self.token):
            return None
        message = "no token, or a wrong one; send the header Authorization: Bearer TOKEN that the server has"
        return error_response(401, message, {"WWW-Authenticate": "Bearer"})


def _is_bearer(header: str, token: str) -> bool:
    """In a time that tells nothing of how much is right. header: as headers are decoded."""
    scheme, _, found = header.partition(" ")
    is_same = hmac.compare_digest(found.lstrip(" ").encode("latin-1"), token.encode())
    return is_same and scheme.lower() == "bearer"  # in any case (RFC 9110, 11.1)


def _without_port(host: str) -> str:
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host


def _forbid_keeping(message: Message, path: str) -> None:
    """Unless a response says for itself how long it may be kept."""
    kept = "no-store" if path.startswith("/api/") or path == "/metrics" else "no-cache"
    MutableHeaders(scope=message).setdefault("cache-control", kept)


def _route(scope: Scope) -> str:
    """The pattern that matched; one name for all addresses that do not exist."""
    return getattr(scope.get("route"), "path", "/static/" if scope["path"].startswith("/static/") else "other")
