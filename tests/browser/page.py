"""Helpers to open the page of a server, to read it, and to ask the API for what it must show."""

import base64
import io
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
from PIL import Image

from tests.serve.server_process import FRESH, PATIENCE

SIZES = {"desk": (1280, 900), "phone": (390, 844)}
PANELS = ("image", "target", "prediction", "difference")
API_NAMES = {"image": "image", "target": "truth", "prediction": "prediction"}
"""Panel -> the file's name in the API."""
CLIENT = httpx.Client(timeout=PATIENCE, trust_env=False, limits=FRESH)
"""Asks the API, without a proxy."""


def open_page(browser, size: str, scheme: str = "light", **settings) -> Any:
    """Open a page that collects the URLs it requests and the messages of its console."""
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=size == "phone", **settings
    )
    page.set_default_timeout(1000 * PATIENCE)
    page.requests, page.messages = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.messages.append(message.text))
    page.on("pageerror", lambda error: page.messages.append(str(error)))
    return page


def wait_until_complete(page, number_of_pixels: str = "128 × 64") -> None:
    page.locator("#status", has_text=number_of_pixels).wait_for()


def open_list(page) -> None:
    """Unfold the list of images, which is folded on a phone."""
    if page.locator("#images").get_attribute("open") is None:
        page.locator("#images summary").click()


def listed_ids(page) -> list[str]:
    return page.locator("#ids .id").all_inner_texts()


def image_ids(served: str) -> list[str]:
    return [each["id"] for each in CLIENT.get(f"{served}api/images").json()["images"]]


def image_answer(served: str, image_id: str) -> dict[str, Any]:
    return CLIENT.get(f"{served}api/images/{quote(image_id, safe='')}").json()


def api_pixels(served: str, image_id: str, panel: str) -> np.ndarray:
    content = CLIENT.get(f"{served}api/images/{quote(image_id, safe='')}/{API_NAMES[panel]}.png").content
    return np.asarray(Image.open(io.BytesIO(content)))  # of a palette PNG: its indices, which are train ids


def canvas_pixels(page, panel: str) -> np.ndarray:
    """Return what a panel has drawn: red, green, blue, opacity."""
    url = page.locator(f"[data-panel={panel}] canvas").evaluate("each => each.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA"))


def caption(page, panel: str) -> str:
    return page.locator(f"[data-panel={panel}] .under").inner_text()


def shown_name(page) -> str:
    return page.locator("#name").inner_text()
