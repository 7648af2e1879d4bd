"""From image to image of a data set: by button, key, link, history, list and filter."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from segexp.data.pairs import Pair
from segexp.data.streets import Streets
from tests.browser.page import (
    CLIENT,
    image_answer,
    image_ids,
    listed_ids,
    open_list,
    open_page,
    shown_name,
    wait_until_complete,
)

pytestmark = pytest.mark.browser


def test_next_and_previous_by_keyboard_by_button_and_by_history(page, served: str) -> None:
    first, second, third = image_ids(served)
    page.keyboard.press("ArrowRight")
    wait_until_complete(page)
    page.locator("#next").click()
    wait_until_complete(page)
    assert (shown_name(page), page.url) == (third, f"{served}#id={third}")
    assert page.locator("#next").is_disabled()
    assert page.evaluate("document.activeElement.id") == "next"  # who went on by it is still there, not at the top
    page.locator("#next").click(force=True)
    page.keyboard.press("ArrowRight")
    assert shown_name(page) == third
    page.keyboard.press("ArrowLeft")
    page.locator("#name", has_text=second).wait_for()
    page.go_back()
    page.locator("#name", has_text=third).wait_for()
    for _ in range(2):
        page.go_back()
    page.locator("#name", has_text=first).wait_for()
    page.go_forward()
    page.locator("#name", has_text=second).wait_for()
    open_list(page)
    assert page.locator("#ids a[aria-current] .id").all_inner_texts() == [second]
    assert page.messages == []


def test_a_link_opens_its_image(browser, served: str) -> None:
    page = open_page(browser, "desk")
    page.goto(f"{served}#id={image_ids(served)[1]}")
    wait_until_complete(page)
    assert shown_name(page) == image_ids(served)[1]
    page.close()


def test_the_next_image_is_loaded_before_the_user_asks_for_it(browser, served: str) -> None:
    page = open_page(browser, "desk")
    address = f"{served}api/images/{image_ids(served)[1]}"
    with page.expect_event("requestfinished", lambda request: request.url == f"{address}/prediction.png"):
        page.goto(served)
    num_requests = len(page.requests)
    page.keyboard.press("ArrowRight")
    wait_until_complete(page)
    assert shown_name(page) == image_ids(served)[1]
    later = [url for url in page.requests[num_requests:] if url.startswith(address)]
    assert [url for url in later if not url.endswith("thumbnail.jpg")] == []
    page.close()


def test_the_filter_shortens_the_list_and_says_so(desk, served: str) -> None:
    desk.keyboard.press("/")
    ids = image_ids(served)
    desk.keyboard.type(ids[2][-13:])
    assert listed_ids(desk) == [each for each in ids if ids[2][-13:] in each]
    desk.keyboard.type("no such name")
    assert desk.locator("#ids a").count() == 0
    assert desk.locator("#range").inner_text() == "no matching image"


def test_the_list_is_folded_on_a_phone_and_the_key_of_the_filter_unfolds_it(page, served: str) -> None:
    is_phone = page.viewport_size["width"] < 400
    assert page.locator("#ids a").first.is_visible() is not is_phone
    assert any(url.endswith("thumbnail.jpg") for url in page.requests) is not is_phone
    page.keyboard.press("/")
    assert page.locator("#filter").evaluate("each => each === document.activeElement")
    assert page.locator("#ids a").count() == len(image_ids(served))


def test_each_entry_of_the_list_has_a_thumbnail_and_the_miou(desk, served: str) -> None:
    for entry in desk.locator("#ids a").all():
        entry.scroll_into_view_if_needed()
        desk.wait_for_function("each => each.naturalWidth", arg=entry.locator("img").element_handle())
        assert entry.locator("img").evaluate("each => [each.naturalWidth, each.naturalHeight]") == [128, 64]
    scores = [image_answer(served, each)["scores"]["miou"] for each in image_ids(served)]
    assert desk.locator("#ids .miou").all_inner_texts() == [f"mIoU {score:.3f}" for score in scores]


def test_the_list_is_sorted_by_the_lowest_miou_and_so_are_previous_and_next(desk, served: str) -> None:
    scores = {each: image_answer(served, each)["scores"]["miou"] for each in image_ids(served)}
    worst_first = sorted(scores, key=scores.__getitem__)
    desk.locator("#sort").select_option("worst")
    assert listed_ids(desk) == worst_first
    desk.locator("#ids a").first.click()
    desk.locator("#next").click()
    wait_until_complete(desk)
    assert shown_name(desk) == worst_first[1]
    assert desk.locator("#unscored").is_hidden()


def test_images_of_unknown_miou_come_last_and_the_page_says_how_to_know_it(
    browser, serve: Callable, evaluated: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(evaluated, tmp_path / "run")
    shutil.rmtree(run / "evaluation")
    with serve(f"run={run}") as address:
        page, ids = open_page(browser, "desk"), image_ids(address)
        page.goto(f"{address}#id={ids[2]}")  # the last, so that none is loaded ahead
        wait_until_complete(page)
        page.locator("#ids .miou", has_text="mIoU 0").wait_for()
        page.locator("#sort").select_option("worst")
        assert listed_ids(page) == [ids[2], ids[0], ids[1]]
        assert page.locator("#unscored").inner_text().startswith("The mIoU of 2 of 3 images is unknown")
        page.close()


def link_repeatedly(pair: Pair, folder: Path, count: int) -> None:
    """Link one scene under many names, in the layout of Cityscapes."""
    for kind, file in (("leftImg8bit", pair.image), ("gtFine", pair.mask)):
        (folder / kind / "val/town").mkdir(parents=True)
        for number in range(count):
            name = file.name.replace(pair.name, f"town_{number:06}_000019")
            (folder / kind / "val/town" / name).symlink_to(file)


def test_a_long_list_has_pages_that_follow_what_is_shown(
    browser, serve: Callable, streets_root: Path, tmp_path: Path
) -> None:
    pair = Streets(str(streets_root), 6, 3, 64, 128).pairs("val")[0]
    link_repeatedly(pair, Streets(str(tmp_path), 6, 530, 64, 128).folder, 530)
    with serve(f"data.root={tmp_path}", "+data.num_val=530") as address:
        images = CLIENT.get(f"{address}api/images?offset=500").json()["images"]
        page = open_page(browser, "phone")
        page.goto(f"{address}#id={images[19]['id']}")
        wait_until_complete(page)
        open_list(page)
        page.locator("#ids a[aria-current]", has_text=images[19]["id"]).wait_for()
        assert page.locator("#range").inner_text() == "481–530 of 530"
        page.locator("#page-back").click()
        assert page.locator("#range").inner_text() == "421–480 of 530"
        assert page.locator("#ids a").count() == 60
        page.keyboard.press("ArrowRight")
        assert shown_name(page) == images[20]["id"]
        assert page.locator("#ids a[aria-current] .id").inner_text() == images[20]["id"]
        page.close()
