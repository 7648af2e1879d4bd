"""The page of a server as tests open it, read it, and hold it against the API."""

import base64
import io
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
from PIL import Image

from tests.serve.command import FRESH, PATIENCE

SIZES = {"desk": (1280, 900), "phone": (390, 844)}
PANELS = ("photo", "truth", "prediction", "difference")
CLIENT = httpx.Client(timeout=PATIENCE, trust_env=False, limits=FRESH)
"""Of the API, and of no proxy."""


def opened(browser, size: str, scheme: str = "light", **settings) -> Any:
    """A page that keeps what it asks for and complains about."""
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=size == "phone", **settings
    )
    page.set_default_timeout(1000 * PATIENCE)
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def complete(page, number_of_pixels: str = "128 × 64") -> None:
    page.locator("#status", has_text=number_of_pixels).wait_for()


def ids(served: str) -> list[str]:
    return [each["id"] for each in CLIENT.get(f"{served}api/images").json()["images"]]


def answer(served: str, image_id: str) -> dict[str, Any]:
    return CLIENT.get(f"{served}api/images/{quote(image_id, safe='')}").json()


def picture(served: str, image_id: str, name: str) -> np.ndarray:
    content = CLIENT.get(f"{served}api/images/{quote(image_id, safe='')}/{name}.png").content
    return np.asarray(Image.open(io.BytesIO(content)))  # of a palette PNG: its indices, which are train ids


def canvas(page, panel: str) -> np.ndarray:
    """What a panel has drawn: red, green, blue, opacity."""
    url = page.locator(f"[data-panel={panel}] canvas").evaluate("each => each.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA"))


def caption(page, panel: str) -> str:
    return page.locator(f"[data-panel={panel}] .under").inner_text()


def name_shown(page) -> str:
    return page.locator("#name").inner_text()
