"""Image, ground truth, prediction and difference, and the legend beside them, held against the API."""

from urllib.parse import quote

import numpy as np
import pytest

from segexp.display.scene_sheet import error_map
from segexp.types import VOID
from tests.browser.page import (
    CLIENT,
    PANELS,
    api_pixels,
    canvas_pixels,
    caption,
    image_answer,
    image_ids,
    open_page,
    shown_name,
    wait_until_complete,
)

pytestmark = pytest.mark.browser


def test_image_target_and_prediction_are_those_of_the_api(desk, served: str) -> None:
    first = image_ids(served)[0]
    colors = np.zeros((256, 3), np.uint8)
    for entry in CLIENT.get(f"{served}api/classes").json()["classes"]:
        colors[entry["id"]] = entry["color"]
    for name in ("target", "prediction"):
        assert np.array_equal(canvas_pixels(desk, name)[..., :3], colors[api_pixels(served, first, name)])
    size = desk.locator("[data-panel=image] img").evaluate("each => [each.naturalHeight, each.naturalWidth]")
    assert size == list(api_pixels(served, first, "image").shape[:2])


def test_the_difference_is_drawn_as_on_picture_sheets(desk, served: str) -> None:
    target, prediction = (api_pixels(served, image_ids(served)[0], name) for name in ("target", "prediction"))
    assert (target == VOID).any()
    assert (target == prediction).any()
    assert np.array_equal(canvas_pixels(desk, "difference")[..., :3], error_map(target, prediction))


def test_image_and_target_are_shown_before_the_prediction_is_there(browser, served: str) -> None:
    page, held_requests, is_held = open_page(browser, "desk"), [], True

    def hold(route) -> None:
        held_requests.append(route) if is_held else route.continue_()

    page.route(f"{served}api/images/{quote(image_ids(served)[0], safe='')}", hold)
    page.goto(served)
    for part in ("[data-panel=image] img", "[data-panel=target] canvas"):
        page.locator(part).wait_for()
    assert page.locator("[data-panel=prediction] canvas").is_hidden()
    is_held = False
    for request in held_requests:
        request.continue_()
    wait_until_complete(page)
    assert page.locator("[data-panel=prediction] canvas").is_visible()
    page.close()


def test_pointing_names_the_classes_of_that_pixel_in_every_panel(page, served: str) -> None:
    names = {entry["id"]: entry["name"] for entry in CLIENT.get(f"{served}api/classes").json()["classes"]}
    first = image_ids(served)[0]
    target, prediction = (api_pixels(served, first, name) for name in ("target", "prediction"))
    generator = np.random.default_rng(0)
    for panel in PANELS:
        stage = page.locator(f"[data-panel={panel}] .stage")
        stage.scroll_into_view_if_needed()
        for row, column in zip(generator.integers(0, 64, 4), generator.integers(0, 128, 4), strict=True):
            box = stage.bounding_box()
            position = (box["x"] + (column + 0.5) * box["width"] / 128, box["y"] + (row + 0.5) * box["height"] / 64)
            page.touchscreen.tap(*position) if page.viewport_size["width"] < 400 else page.mouse.move(*position)
            assert caption(page, "image") == f"x {column}, y {row}"
            expected = names.get(target[row, column], "void")
            assert caption(page, "target") == expected
            assert caption(page, "prediction") == names[prediction[row, column]]
            verdict = "correct" if expected == names[prediction[row, column]] else "wrong"
            assert caption(page, "difference") == ("void" if expected == "void" else verdict)
            assert page.locator(".column:visible").count() == page.locator(".row:visible").count() == 4


def test_the_crosshair_moves_by_keyboard_and_is_announced(desk) -> None:
    desk.locator("#upload").focus()
    while not desk.evaluate("document.activeElement.matches('.stage')"):
        desk.keyboard.press("Tab")
    assert caption(desk, "image") == "x 64, y 32"
    desk.keyboard.press("Shift+ArrowRight")
    desk.keyboard.press("Shift+ArrowUp")
    assert caption(desk, "image") == "x 66, y 30"
    spoken = f"ground truth {caption(desk, 'target')}, prediction {caption(desk, 'prediction')}"
    desk.locator("#spoken", has_text=spoken).wait_for(state="attached")
    desk.keyboard.press("ArrowRight")
    wait_until_complete(desk)
    assert caption(desk, "image") == ""


def test_the_legend_has_the_scores_of_the_api(page, served: str) -> None:
    def formatted(value: float | None) -> str:
        return "–" if value is None else f"{value:.3f}"

    run, scores = CLIENT.get(f"{served}api/classes").json(), image_answer(served, image_ids(served)[0])["scores"]
    assert run["miou"] is not None
    rows = page.locator("#legend tbody tr").all()
    assert len(rows) == len(run["classes"]) == 19
    for row, entry in zip(rows, run["classes"], strict=True):
        expected = [entry["name"], formatted(scores["iou"][entry["name"]]), formatted(entry["iou"])]
        assert [cell.inner_text().strip() for cell in row.locator("th, td").all()] == expected
        color = row.locator(".swatch").evaluate("each => getComputedStyle(each).backgroundColor")
        assert color == "rgb({}, {}, {})".format(*entry["color"])
    mean = page.locator("#legend tfoot tr").first.locator("td").all_inner_texts()
    assert mean == [formatted(scores["miou"]), formatted(run["miou"])]


LIGHT, DARK, BLUE, ORANGE = (235, 235, 235), (60, 60, 60), (0, 114, 178), (230, 159, 0)
KEY_OF_CLASS = ["missed", "false", "alarm", "correct", "void"]


def point_at(page, color: tuple[int, int, int], drawn: np.ndarray) -> None:
    """Move the mouse over the first pixel of the difference that has this colour."""
    row, column = np.argwhere((drawn[..., :3] == color).all(2) & (drawn[..., 3] == 255))[0]
    box = page.locator("[data-panel=difference] .stage").bounding_box()
    height, width = drawn.shape[:2]
    page.mouse.move(box["x"] + (column + 0.5) * box["width"] / width, box["y"] + (row + 0.5) * box["height"] / height)


def test_a_class_of_the_legend_is_shown_alone_with_its_errors_by_click_and_by_key(desk, served: str) -> None:
    prediction = api_pixels(served, image_ids(served)[0], "prediction")
    chosen = int(np.bincount(prediction.ravel()).argmax())
    button = desk.locator("#legend tbody button").nth(chosen)
    button.click()
    assert np.array_equal(canvas_pixels(desk, "prediction")[..., 3] == 255, prediction == chosen)
    assert button.get_attribute("aria-pressed") == "true"
    target = api_pixels(served, image_ids(served)[0], "target")
    drawn = canvas_pixels(desk, "difference")
    expected = np.full((*target.shape, 4), (*LIGHT, 26), np.uint8)
    expected[(target == chosen) & (prediction != chosen)] = (*BLUE, 255)
    expected[(target != chosen) & (prediction == chosen)] = (*ORANGE, 255)
    expected[(target == chosen) & (prediction == chosen)] = (*LIGHT, 255)
    expected[(target == VOID) & (prediction == chosen)] = (*DARK, 255)
    is_drawn = expected[..., 3] == 255
    assert np.array_equal(drawn[is_drawn], expected[is_drawn])
    assert (drawn[~is_drawn, 3] == 26).all()
    assert desk.locator("[data-panel=difference] .key:visible").inner_text().split() == KEY_OF_CLASS
    point_at(desk, ORANGE, drawn)
    assert caption(desk, "difference") == "false alarm"
    desk.keyboard.press("Escape")
    assert (canvas_pixels(desk, "prediction")[..., 3] == 255).all()
    button.focus()
    desk.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"


def test_the_slider_blends_maps_over_the_image_and_keeps_its_arrows(desk, served: str) -> None:
    desk.locator("#opacity").focus()
    desk.keyboard.press("ArrowRight")
    assert desk.locator("#opacity-value").inner_text() == "75 %"
    opacity = desk.locator("[data-panel=prediction] canvas").evaluate("each => getComputedStyle(each).opacity")
    assert float(opacity) == 0.75
    assert shown_name(desk) == image_ids(served)[0]
