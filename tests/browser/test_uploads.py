"""Images that a user uploads: chosen, dropped, pasted."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.page import (
    CLIENT,
    PANELS,
    api_pixels,
    canvas_pixels,
    image_ids,
    open_page,
    shown_name,
    wait_until_complete,
)

pytestmark = pytest.mark.browser


def test_an_upload_is_segmented(page, served: str, tmp_path: Path) -> None:
    image = tmp_path / "mine.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 80, 3), np.uint8)).save(image)
    page.locator("#file").set_input_files(image)
    wait_until_complete(page, "80 × 48")
    assert shown_name(page) == "mine.jpg"
    assert [page.locator(f"[data-panel={name}]").is_visible() for name in PANELS] == [True, False, True, False]
    inline = CLIENT.post(f"{served}api/predict", files={"file": image.read_bytes()}).json()["prediction"]
    expected = np.asarray(Image.open(io.BytesIO(base64.b64decode(inline.partition(",")[2]))).convert("RGB"))
    assert np.array_equal(canvas_pixels(page, "prediction")[..., :3], expected)
    answer = CLIENT.post(f"{served}api/predict", files={"file": image.read_bytes()}).json()
    statistics, most = answer["statistics"], max(answer["statistics"]["share"], key=answer["statistics"]["share"].get)
    row = page.locator("#legend tbody tr", has_text=most).first.locator("td").all_inner_texts()
    assert row == [f"{100 * statistics['share'][most]:.1f} %", f"{statistics['confidence'][most]:.3f}"]
    total = page.locator("#legend tfoot tr:visible td").all_inner_texts()
    assert total == ["100.0 %", f"{statistics['mean_confidence']:.3f}"]
    page.keyboard.press("ArrowRight")
    wait_until_complete(page)
    assert shown_name(page) == image_ids(served)[0]
    assert page.messages == []


def test_mask_and_overlay_are_saved_at_the_size_of_the_image(page, served: str, tmp_path: Path) -> None:
    first = image_ids(served)[0]
    prediction, image = (api_pixels(served, first, name) for name in ("prediction", "image"))
    mask = saved(page, "#download-mask", f"{first}_mask.png")
    assert mask.mode == "P"
    assert np.array_equal(np.asarray(mask), prediction)
    overlay = np.asarray(saved(page, "#download-overlay", f"{first}_overlay.png").convert("RGB")).astype(float)
    assert np.abs(overlay - (0.3 * image + 0.7 * np.asarray(mask.convert("RGB")))).max() < 3
    photo = np.random.default_rng(0).integers(0, 255, (48, 80, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "mine.png")
    page.locator("#file").set_input_files(tmp_path / "mine.png")
    wait_until_complete(page, "80 × 48")
    assert saved(page, "#download-mask", "mine_mask.png").size == (80, 48)
    assert saved(page, "#download-overlay", "mine_overlay.png").size == (80, 48)


def saved(page, button: str, name: str) -> Image.Image:
    """The image that a button saves under this name."""
    with page.expect_download() as download:
        page.locator(button).click()
    assert download.value.suggested_filename == name
    return Image.open(io.BytesIO(download.value.path().read_bytes()))


def test_an_image_turned_by_its_camera_lies_as_its_prediction_does(desk, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6  # orientation: to be turned by 90 degrees
    Image.new("RGB", (80, 48), (90, 120, 150)).save(tmp_path / "turned.jpg", exif=tags)
    desk.locator("#file").set_input_files(tmp_path / "turned.jpg")
    wait_until_complete(desk, "48 × 80")
    size = desk.locator("[data-panel=image] img").evaluate("each => [each.naturalWidth, each.naturalHeight]")
    assert size == [48, 80]


def test_images_are_dropped_and_pasted(desk) -> None:
    drop_or_paste = """([kind, name]) => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 80, height: 48 });
        const bytes = Uint8Array.from(atob(canvas.toDataURL().split(",")[1]), (each) => each.charCodeAt(0));
        const files = new DataTransfer();
        files.items.add(new File([bytes], name, { type: "image/png" }));
        const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: files, cancelable: true, bubbles: true })
            : new ClipboardEvent("paste", { clipboardData: files, bubbles: true });
        document.body.dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        desk.evaluate(drop_or_paste, [kind, f"{kind}.png"])
        wait_until_complete(desk, "80 × 48")
        assert shown_name(desk) == f"{kind}.png"


def test_a_broken_upload_shows_the_servers_message(desk, served: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    message = CLIENT.post(f"{served}api/predict", files={"file": broken.read_bytes()}).json()["error"]["message"]
    desk.locator("#file").set_input_files(broken)
    desk.locator("#alert", has_text=message).wait_for()
    assert desk.locator(".stage img:visible, .stage canvas:visible").count() == 0
    desk.keyboard.press("ArrowLeft")
    wait_until_complete(desk)
    assert desk.locator("#alert").is_hidden()


def test_without_a_data_set_the_page_asks_for_uploads(browser, serve: Callable, tmp_path: Path) -> None:
    with serve("split=null") as address:
        page = open_page(browser, "desk")
        page.goto(address)
        page.locator("#status", has_text="upload an image").wait_for()
        assert page.locator("#images").is_hidden()
        Image.new("RGB", (80, 48)).save(tmp_path / "image.png")
        page.locator("#file").set_input_files(tmp_path / "image.png")
        wait_until_complete(page, "80 × 48")
        assert page.messages == []
        page.close()
