"""python -m tests.serve.load URL --clients N --seconds S [--pid P]: what a running server stands, in figures.

Every client uploads a photo, waits for its prediction as PNG, and starts again; told that the server is busy, it comes
back when it was told to. With --get PATH it asks for that instead.
"""

import argparse
import asyncio
import os
import threading
import time
from collections import Counter
from pathlib import Path
from statistics import quantiles

import httpx
import psutil


class Watch:
    """The most memory that a process held resident while the body ran; asked for 20 times a second."""

    def __init__(self, pid: int) -> None:
        self.process = psutil.Process(pid)
        self.peak_bytes = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(0.05):
            self.peak_bytes = max(self.peak_bytes, self.process.memory_info().rss)


async def client(
    http: httpx.AsyncClient, photo: bytes, path: str | None, end: float, found: Counter, taken: list
) -> None:
    while time.monotonic() < end:
        started = time.monotonic()
        try:
            if path:
                answer = await http.get(path)
            else:
                files = {"file": ("photo.png", photo, "image/png")}
                answer = await http.post("/api/predict", files=files, headers={"accept": "image/png"})
        except httpx.HTTPError as error:
            found[type(error).__name__] += 1
            continue
        found[answer.status_code] += 1
        if answer.status_code == 503:
            await asyncio.sleep(float(answer.headers.get("retry-after", 1)))
        else:
            taken.append(time.monotonic() - started)


async def load(wish: argparse.Namespace) -> tuple[Counter, list[float], float]:
    """Number of answers by status, the seconds of those that were no 503, and how long it took in all."""
    headers = {"authorization": f"Bearer {wish.token}"} if wish.token else {}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=wish.url, headers=headers, timeout=120, limits=limits, trust_env=False
    ) as http:
        photo = wish.photo.read_bytes() if wish.photo else await first_image(http)
        found, taken = Counter[int | str](), list[float]()
        started = time.monotonic()
        end = started + wish.seconds
        await asyncio.gather(*(client(http, photo, wish.get, end, found, taken) for _ in range(wish.clients)))
        return found, taken, time.monotonic() - started


async def first_image(http: httpx.AsyncClient) -> bytes:
    images = (await http.get("/api/images?limit=1")).raise_for_status().json()["images"]
    if not images:
        raise SystemExit("the server has no images of its own; name a file by --photo")
    return (await http.get(f"{images[0]['href']}/image.png")).raise_for_status().content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pid", type=int, default=os.getpid(), help="of the server, whose peak memory is told")
    parser.add_argument("--token", default=os.environ.get("SEGEXP_TOKEN"))
    parser.add_argument("--photo", type=Path, help="to upload; otherwise the first image of the server's data set")
    parser.add_argument("--get", metavar="PATH", help="to ask for instead, e.g. /api/classes")
    wish = parser.parse_args()
    with Watch(wish.pid) as watch:
        found, taken, seconds = asyncio.run(load(wish))
    answered = sum(count for status, count in found.items() if status == 200)
    print(
        f"{wish.clients} clients, {seconds:.1f} s: {answered / seconds:.1f} answers a second, {found[503]} times busy"
    )
    if len(taken) > 1:
        cuts = quantiles(taken, n=100, method="inclusive")
        print(f"seconds until an answer: median {cuts[49]:.3f}, 95th percentile {cuts[94]:.3f}, most {max(taken):.3f}")
    others = {status: count for status, count in found.items() if status not in (200, 503)}
    if others:
        print(f"other answers: {others}")
    if wish.pid != os.getpid():
        print(f"peak resident memory of the server: {watch.peak_bytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
