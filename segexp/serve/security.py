"""The middleware around the whole app: access control, headers that bind browsers, and counts of requests."""

import hmac
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segexp.serve.errors import error_response
from segexp.serve.metrics import ServerMetrics

OPEN_PATHS = ("/", "/healthz", "/openapi.json")
"""These, and all below /static/, need no token. Everything else does, also what does not exist."""
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
SMALL_BYTES = 65536
"""Bytes that the system buffers for each connection anyway."""

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = [
    ("Content-Security-Policy", CONTENT_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
"""Headers of every response. The page may load from here alone; data: and blob: show what the API sent inline."""


class SecurityMiddleware:
    """Checks the name and the token of each request, forbids caches to keep answers, and counts requests.

    token: None for none. hosts: names it may be called by, None for any: a web page elsewhere can let its own name
    point to 127.0.0.1, and would then read what it gets. make_room: called with the size of a large answer before it is
    sent.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str | None,
        hosts: tuple[str, ...] | None,
        make_room: Callable[[int], None],
        metrics: ServerMetrics,
    ) -> None:
        self.app = app
        self.token = token
        self.hosts = hosts
        self.make_room = make_room
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}  # whose body uvicorn keeps back
        started, code = time.perf_counter(), 500

        async def send_checked(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                _set_cache_control(message, scope["path"])
            elif not is_head and len(message.get("body", b"")) > SMALL_BYTES:
                self.make_room(len(message["body"]))
            await send(message)

        try:
            await (self._refusal(scope) or self.app)(scope, receive, send_checked)
        finally:
            route = _route(scope)
            self.metrics.requests.labels(route, str(code)).inc()
            self.metrics.request_seconds.labels(route).observe(time.perf_counter() - started)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        host = _without_port(headers.get("host", "").lower())
        if self.hosts is not None and host not in self.hosts:
            allowed = ", ".join(self.hosts)
            message = f"the server was called {host[:100]!r}; allowed: {allowed}, and the names in allowed_hosts="
            return error_response(421, message)
        is_open = path in OPEN_PATHS or path.startswith("/static/")
        if self.token is None or is_open or _has_token(headers.get("authorization", ""), self.token):
            return None
        message = "the token is missing or wrong; send the header Authorization: Bearer TOKEN with the server's token"
        return error_response(401, message, {"WWW-Authenticate": "Bearer"})


def _has_token(header: str, token: str) -> bool:
    """Compare in constant time, so that the time does not tell how much is right. header: as headers are decoded."""
    scheme, _, credentials = header.partition(" ")
    is_same = hmac.compare_digest(credentials.lstrip(" ").encode("latin-1"), token.encode())
    return is_same and scheme.lower() == "bearer"  # in any case (RFC 9110, 11.1)


def _without_port(host: str) -> str:
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host


def _set_cache_control(message: Message, path: str) -> None:
    """Forbid keeping a response, unless it says for itself how long it may be kept."""
    control = "no-store" if path.startswith("/api/") or path == "/metrics" else "no-cache"
    MutableHeaders(scope=message).setdefault("cache-control", control)


def _route(scope: Scope) -> str:
    """Return the pattern that matched, and one name for all addresses that do not exist."""
    return getattr(scope.get("route"), "path", "/static/" if scope["path"].startswith("/static/") else "other")
