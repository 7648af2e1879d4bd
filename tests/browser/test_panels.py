"""Photo, truth, prediction and difference, and the legend beside them: what the API says, by hand and by key."""

from urllib.parse import quote

import numpy as np
import pytest

from segexp.display import pictures
from segexp.types import VOID
from tests.browser.page import CLIENT, PANELS, answer, canvas, caption, complete, ids, name_shown, opened, picture

pytestmark = pytest.mark.browser


def test_photo_truth_and_prediction_are_those_of_the_api(desk, served: str) -> None:
    first = ids(served)[0]
    colors = np.zeros((256, 3), np.uint8)
    for entry in CLIENT.get(f"{served}api/classes").json()["classes"]:
        colors[entry["id"]] = entry["color"]
    for name in ("truth", "prediction"):
        assert np.array_equal(canvas(desk, name)[..., :3], colors[picture(served, first, name)])
    size = desk.locator("[data-panel=photo] img").evaluate("each => [each.naturalHeight, each.naturalWidth]")
    assert size == list(picture(served, first, "image").shape[:2])


def test_the_difference_is_drawn_as_on_picture_sheets(desk, served: str) -> None:
    truth, prediction = (picture(served, ids(served)[0], name) for name in ("truth", "prediction"))
    assert (truth == VOID).any()
    assert (truth == prediction).any()
    assert np.array_equal(canvas(desk, "difference")[..., :3], pictures.difference(truth, prediction))


def test_photo_and_truth_are_seen_while_the_prediction_is_awaited(browser, served: str) -> None:
    page, held, is_held = opened(browser, "desk"), [], True

    def hold(route) -> None:
        held.append(route) if is_held else route.continue_()

    page.route(f"{served}api/images/{quote(ids(served)[0], safe='')}", hold)
    page.goto(served)
    for shown in ("[data-panel=photo] img", "[data-panel=truth] canvas"):
        page.locator(shown).wait_for()
    assert page.locator("[data-panel=prediction] canvas").is_hidden()
    is_held = False
    for request in held:
        request.continue_()
    complete(page)
    assert page.locator("[data-panel=prediction] canvas").is_visible()
    page.close()


def test_pointing_names_the_classes_of_that_pixel_in_every_panel(page, served: str) -> None:
    names = {entry["id"]: entry["name"] for entry in CLIENT.get(f"{served}api/classes").json()["classes"]}
    first = ids(served)[0]
    truth, prediction = (picture(served, first, name) for name in ("truth", "prediction"))
    generator = np.random.default_rng(0)
    for panel in PANELS:
        stage = page.locator(f"[data-panel={panel}] .stage")
        stage.scroll_into_view_if_needed()
        for row, column in zip(generator.integers(0, 64, 4), generator.integers(0, 128, 4), strict=True):
            box = stage.bounding_box()
            place = (box["x"] + (column + 0.5) * box["width"] / 128, box["y"] + (row + 0.5) * box["height"] / 64)
            page.touchscreen.tap(*place) if page.viewport_size["width"] < 400 else page.mouse.move(*place)
            assert caption(page, "photo") == f"x {column}, y {row}"
            wanted = names.get(truth[row, column], "void")
            assert caption(page, "truth") == wanted
            assert caption(page, "prediction") == names[prediction[row, column]]
            right = "right" if wanted == names[prediction[row, column]] else "wrong"
            assert caption(page, "difference") == ("void" if wanted == "void" else right)
            assert page.locator(".column:visible").count() == page.locator(".row:visible").count() == 4


def test_the_crosshair_moves_by_keyboard_and_is_spoken_of(desk) -> None:
    desk.locator("#upload").focus()
    while not desk.evaluate("document.activeElement.matches('.stage')"):
        desk.keyboard.press("Tab")
    assert caption(desk, "photo") == "x 64, y 32"
    desk.keyboard.press("Shift+ArrowRight")
    desk.keyboard.press("Shift+ArrowUp")
    assert caption(desk, "photo") == "x 66, y 30"
    spoken = f"truth {caption(desk, 'truth')}, prediction {caption(desk, 'prediction')}"
    desk.locator("#spoken", has_text=spoken).wait_for(state="attached")
    desk.keyboard.press("ArrowRight")
    complete(desk)
    assert caption(desk, "photo") == ""


def test_the_legend_has_the_scores_of_the_api(page, served: str) -> None:
    def shown(value: float | None) -> str:
        return "–" if value is None else f"{value:.3f}"

    run, scores = CLIENT.get(f"{served}api/classes").json(), answer(served, ids(served)[0])["scores"]
    assert run["miou"] is not None
    rows = page.locator("#legend tbody tr").all()
    assert len(rows) == len(run["classes"]) == 19
    for row, entry in zip(rows, run["classes"], strict=True):
        wanted = [entry["name"], shown(scores["iou"][entry["name"]]), shown(entry["iou"])]
        assert [cell.inner_text().strip() for cell in row.locator("th, td").all()] == wanted
        color = row.locator(".swatch").evaluate("each => getComputedStyle(each).backgroundColor")
        assert color == "rgb({}, {}, {})".format(*entry["color"])
    mean = page.locator("#legend tfoot tr").first.locator("td").all_inner_texts()
    assert mean == [shown(scores["miou"]), shown(run["miou"])]


def test_a_class_of_the_legend_is_highlighted_by_click_and_by_key(desk, served: str) -> None:
    prediction = picture(served, ids(served)[0], "prediction")
    chosen = int(np.bincount(prediction.ravel()).argmax())
    button = desk.locator("#legend tbody button").nth(chosen)
    button.click()
    assert np.array_equal(canvas(desk, "prediction")[..., 3] == 255, prediction == chosen)
    assert button.get_attribute("aria-pressed") == "true"
    desk.keyboard.press("Escape")
    assert (canvas(desk, "prediction")[..., 3] == 255).all()
    button.focus()
    desk.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"


def test_the_slider_blends_maps_over_the_photo_and_keeps_its_arrows(desk, served: str) -> None:
    desk.locator("#opacity").focus()
    desk.keyboard.press("ArrowRight")
    assert desk.locator("#opacity-value").inner_text() == "75 %"
    opacity = desk.locator("[data-panel=prediction] canvas").evaluate("each => getComputedStyle(each).opacity")
    assert float(opacity) == 0.75
    assert name_shown(desk) == ids(served)[0]
