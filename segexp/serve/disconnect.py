"""A client may leave before the answer is there; its work is then cancelled."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

Answer = TypeVar("Answer")


async def cancel_if_disconnected(request: Request, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Return what the work returns. Once the client has left, cancel the work and raise ClientDisconnect."""
    task, disconnect = asyncio.create_task(work), asyncio.create_task(_wait_for_disconnect(request))
    try:
        await asyncio.wait((task, disconnect), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for each in (task, disconnect):
            each.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await each


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
