"""Room is made for large answers before they are sent."""

import asyncio

import httpx
from starlette.responses import Response

from segexp.serve.metrics import ServerMetrics
from segexp.serve.security import SMALL_BYTES, SecurityMiddleware


def test_room_is_made_for_a_large_body_that_is_sent_and_for_no_other() -> None:
    sizes: list[int] = []
    metrics = ServerMetrics(1, lambda: 0)
    app = SecurityMiddleware(Response(bytes(2 * SMALL_BYTES)), None, None, sizes.append, metrics)

    async def status(method: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return (await client.request(method, "/")).status_code

    for method, expected in (("HEAD", []), ("GET", [2 * SMALL_BYTES])):
        assert asyncio.run(status(method)) == 200
        assert sizes == expected
