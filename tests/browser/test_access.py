"""The page for everybody: without other hosts, on a phone, by screen reader, in light and dark."""

from pathlib import Path

import pytest
from PIL import Image

from tests.browser.clipping import clipped_texts, scrolls_sideways
from tests.browser.page import SIZES, open_list, open_page, wait_until_complete

pytestmark = pytest.mark.browser


def test_nothing_is_requested_from_another_host_and_the_console_is_empty(page, served: str) -> None:
    assert {url for url in page.requests if not url.startswith((served, f"blob:{served}"))} == set()
    assert page.messages == []


def assert_all_text_is_seen(page) -> None:
    assert not scrolls_sideways(page)
    assert clipped_texts(page) == []


def test_no_text_is_clipped_and_no_page_scrolls_sideways(page, tmp_path: Path) -> None:
    assert_all_text_is_seen(page)
    open_list(page)
    page.locator("#sort").select_option("worst")
    page.locator("#legend tbody button").first.click()
    page.locator("[data-panel=difference] .stage").hover()
    assert_all_text_is_seen(page)
    for button in page.locator("#legend tbody button").all():
        assert button.evaluate("each => getComputedStyle(each).whiteSpace") == "nowrap"
    Image.new("RGB", (80, 48), (90, 120, 150)).save(tmp_path / f"{'long_name_of_a_photo_' * 6}.png")
    page.locator("#file").set_input_files(next(tmp_path.iterdir()))
    wait_until_complete(page, "80 × 48")
    assert_all_text_is_seen(page)
    page.goto(f"{page.url.partition('#')[0]}#id={'nobody_' * 20}")
    page.locator("#alert").wait_for()
    assert_all_text_is_seen(page)
    page.evaluate("document.querySelector('#token').showModal()")
    assert_all_text_is_seen(page)


def test_clipped_text_is_found(desk) -> None:
    """So that the test above can fail."""
    desk.evaluate("document.querySelector('#legend').style.width = '6rem'")
    assert "mIoU" in clipped_texts(desk) or "pixel accuracy" in clipped_texts(desk)
    desk.evaluate("document.querySelector('#run').style.paddingLeft = '200vw'")
    assert scrolls_sideways(desk)


def test_every_control_has_an_accessible_name(page) -> None:
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    controls = [each for each in tree if {"name": "focusable", "value": {"type": "booleanOrUndefined", "value": True}}
                in each.get("properties", []) and each["role"]["value"] != "RootWebArea"]  # fmt: skip
    assert len(controls) >= 30
    assert [each["role"]["value"] for each in controls if not each["name"]["value"].strip()] == []


CONTRASTS = """() => {
    const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => numbers(color).slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const ground = (element) => {
        const color = getComputedStyle(element).backgroundColor;
        return numbers(color)[3] === 0 && element.parentElement ? ground(element.parentElement) : color;
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const contrasts = [];
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue;
        const [low, high] = [getComputedStyle(element).color, ground(element)].map(light).sort((a, b) => a - b);
        contrasts.push([(high + 0.05) / (low + 0.05), texts.currentNode.data.trim()]);
    }
    return contrasts;
}"""  # WCAG 2.2, relative luminance and contrast ratio


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_text_has_the_contrast_of_wcag_aa(browser, served: str, size: str, scheme: str) -> None:
    page = open_page(browser, size, scheme, reduced_motion="reduce")
    page.goto(f"{served}#id=nobody")
    page.locator("#alert").wait_for()
    contrasts = page.evaluate(CONTRASTS)
    open_list(page)
    page.locator("#ids a").first.click()
    wait_until_complete(page)
    page.locator("#legend tbody button").first.click()
    page.locator("[data-panel=target] .stage").hover()
    contrasts += page.evaluate(CONTRASTS)
    page.evaluate("document.querySelector('#token').showModal()")
    contrasts += page.evaluate(CONTRASTS)
    assert len(contrasts) > 150
    assert [entry for entry in contrasts if entry[0] < 4.5] == []
    page.close()
