"""What clients get while the network is at work, however long that takes."""

import asyncio
from urllib.parse import quote

from segexp.data.pairs import Pair
from tests.serve import photos
from tests.serve.held import held, until


def test_more_than_the_queue_holds_is_sent_away_and_nothing_else_happens() -> None:
    async def asked() -> None:
        async with held(max_queue=4) as found:
            taken = [asyncio.create_task(found.upload()) for _ in range(4)]
            await until(lambda: found.in_work.taken == 4)
            for refused in await asyncio.gather(*(found.upload() for _ in range(3))):
                assert refused.status_code == 503
                assert 1 <= int(refused.headers["retry-after"]) <= 60
                assert "come back in" in refused.json()["error"]["message"]
            found.is_free.set()
            assert [each.status_code for each in await asyncio.gather(*taken)] == 4 * [200]
            assert (await found.upload()).status_code == 200

    asyncio.run(asked())


def test_a_client_that_goes_away_is_dropped_before_its_batch() -> None:
    content = photos.png(photos.pixels())
    form = b"--B\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n%s\r\n--B--\r\n" % content
    head = f"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(form)}\r\n".encode()
    request = head + b"Content-Type: multipart/form-data; boundary=B\r\n\r\n" + form

    async def asked() -> None:
        async with held() as found:
            first = asyncio.create_task(found.upload())
            await until(lambda: found.batches == [1])
            for _ in range(3):
                _, sending = await asyncio.open_connection("127.0.0.1", found.port)
                sending.write(request)
                await until(lambda: found.in_work.taken == 2)
                sending.close()
                await until(lambda: found.in_work.taken == 1)
            found.is_free.set()
            assert (await first).status_code == 200
        assert found.batches == [1]

    asyncio.run(asked())


def test_a_photo_and_its_truth_do_not_wait_for_the_prediction(pairs: list[Pair]) -> None:
    address = f"/api/images/{quote(pairs[0].name, safe='')}"

    async def asked() -> None:
        async with held(pairs) as found:
            described = asyncio.create_task(found.client.get(address))
            await until(lambda: found.in_work.taken == 1)
            for kind in ("image", "truth"):
                assert (await found.client.get(f"{address}/{kind}.png")).status_code == 200
            assert not described.done()
            found.is_free.set()
            assert (await described).status_code == 200

    asyncio.run(asked())
