"""Answers to clients while the network is at work, however long that takes."""

import asyncio
from urllib.parse import quote

from segexp.data.pairs import Pair
from tests.serve import upload_files
from tests.serve.paused_server import paused_server, wait_until


def test_requests_beyond_the_queue_are_refused_and_the_others_are_answered() -> None:
    async def run() -> None:
        async with paused_server(max_queue=4) as server:
            accepted = [asyncio.create_task(server.upload()) for _ in range(4)]
            await wait_until(lambda: server.requests.in_use == 4)
            for refused in await asyncio.gather(*(server.upload() for _ in range(3))):
                assert refused.status_code == 503
                assert 1 <= int(refused.headers["retry-after"]) <= 60
                assert "try again in" in refused.json()["error"]["message"]
            server.may_go_on.set()
            assert [each.status_code for each in await asyncio.gather(*accepted)] == 4 * [200]
            assert (await server.upload()).status_code == 200

    asyncio.run(run())


def test_a_client_that_leaves_is_dropped_before_its_batch() -> None:
    content = upload_files.png(upload_files.pixels())
    form = b"--B\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n%s\r\n--B--\r\n" % content
    head = f"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(form)}\r\n".encode()
    request = head + b"Content-Type: multipart/form-data; boundary=B\r\n\r\n" + form

    async def run() -> None:
        async with paused_server() as server:
            first = asyncio.create_task(server.upload())
            await wait_until(lambda: server.batches == [1])
            for _ in range(3):
                _, sending = await asyncio.open_connection("127.0.0.1", server.port)
                sending.write(request)
                await wait_until(lambda: server.requests.in_use == 2)
                sending.close()
                await wait_until(lambda: server.requests.in_use == 1)
            server.may_go_on.set()
            assert (await first).status_code == 200
        assert server.batches == [1]

    asyncio.run(run())


def test_an_image_and_its_target_do_not_wait_for_the_prediction(pairs: list[Pair]) -> None:
    address = f"/api/images/{quote(pairs[0].name, safe='')}"

    async def run() -> None:
        async with paused_server(pairs) as server:
            prediction = asyncio.create_task(server.client.get(address))
            await wait_until(lambda: server.requests.in_use == 1)
            for kind in ("image", "truth"):
                assert (await server.client.get(f"{address}/{kind}.png")).status_code == 200
            assert not prediction.done()
            server.may_go_on.set()
            assert (await prediction).status_code == 200

    asyncio.run(run())
