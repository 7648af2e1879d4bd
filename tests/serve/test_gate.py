"""What is set aside for an answer on its way."""

import asyncio

import httpx
from starlette.responses import Response

from segexp.serve.figures import Figures
from segexp.serve.gate import SMALL_BYTES, Gate


def test_room_is_made_for_a_large_body_that_is_sent_and_for_no_other() -> None:
    made: list[int] = []
    gate = Gate(Response(bytes(2 * SMALL_BYTES)), None, None, made.append, Figures(1, lambda: 0))

    async def asked(method: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gate), base_url="http://localhost") as client:
            return (await client.request(method, "/")).status_code

    for method, expected in (("HEAD", []), ("GET", [2 * SMALL_BYTES])):
        assert asyncio.run(asked(method)) == 200
        assert made == expected
