"""python -m tests.serve.load URL --clients N --seconds S [--pid P]: measure how many requests a server answers.

Every client uploads an image, waits for its prediction as PNG, and starts again; when the server is busy, it comes back
when the server says so. With --get PATH it asks for that address instead.
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


class PeakMemory:
    """Measures the most memory that a process held resident while the body ran, 20 times a second."""

    def __init__(self, pid: int) -> None:
        self.process = psutil.Process(pid)
        self.peak_bytes = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _measure(self) -> None:
        while not self._is_over.wait(0.05):
            self.peak_bytes = max(self.peak_bytes, self.process.memory_info().rss)


async def client(
    http: httpx.AsyncClient, image: bytes, path: str | None, end: float, statuses: Counter, seconds: list
) -> None:
    while time.monotonic() < end:
        started = time.monotonic()
        try:
            if path:
                response = await http.get(path)
            else:
                files = {"file": ("image.png", image, "image/png")}
                response = await http.post("/api/predict", files=files, headers={"accept": "image/png"})
        except httpx.HTTPError as error:
            statuses[type(error).__name__] += 1
            continue
        statuses[response.status_code] += 1
        if response.status_code == 503:
            await asyncio.sleep(float(response.headers.get("retry-after", 1)))
        else:
            seconds.append(time.monotonic() - started)


async def load(options: argparse.Namespace) -> tuple[Counter, list[float], float]:
    """Return the number of answers by status, the seconds of each that was no 503, and the seconds in all."""
    headers = {"authorization": f"Bearer {options.token}"} if options.token else {}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=options.url, headers=headers, timeout=120, limits=limits, trust_env=False
    ) as http:
        image = options.image.read_bytes() if options.image else await first_image(http)
        statuses, seconds = Counter[int | str](), list[float]()
        started = time.monotonic()
        end = started + options.seconds
        clients = (client(http, image, options.get, end, statuses, seconds) for _ in range(options.clients))
        await asyncio.gather(*clients)
        return statuses, seconds, time.monotonic() - started


async def first_image(http: httpx.AsyncClient) -> bytes:
    images = (await http.get("/api/images?limit=1")).raise_for_status().json()["images"]
    if not images:
        raise SystemExit("the server has no images of its own; name a file by --image")
    return (await http.get(f"{images[0]['href']}/image.png")).raise_for_status().content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pid", type=int, default=os.getpid(), help="of the server, whose peak memory is printed")
    parser.add_argument("--token", default=os.environ.get("SEGEXP_TOKEN"))
    parser.add_argument("--image", type=Path, help="to upload; otherwise the first image of the server's data set")
    parser.add_argument("--get", metavar="PATH", help="to ask for instead, e.g. /api/classes")
    options = parser.parse_args()
    with PeakMemory(options.pid) as memory:
        statuses, seconds, total_seconds = asyncio.run(load(options))
    rate = statuses[200] / total_seconds
    print(f"{options.clients} clients, {total_seconds:.1f} s: {rate:.1f} answers a second, {statuses[503]} times busy")
    if len(seconds) > 1:
        cuts = quantiles(seconds, n=100, method="inclusive")
        print(f"seconds until an answer: median {cuts[49]:.3f}, 95th percentile {cuts[94]:.3f}, max {max(seconds):.3f}")
    others = {status: count for status, count in statuses.items() if status not in (200, 503)}
    if others:
        print(f"other answers: {others}")
    if options.pid != os.getpid():
        print(f"peak resident memory of the server: {memory.peak_bytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
