"""A report in Chromium: it opens from disk, requests nothing, fits a desk and a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segexp.compare.report.report_files import write_report
from tests.compare.report.runs import HOSTILE, SECTIONS, compare_folder, run, sweep
from tests.serve.server_process import PATIENCE

pytestmark = pytest.mark.browser
SIZES = [(1280, 900), (390, 844)]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A few variants, and many."""
    few, many = tmp_path_factory.mktemp("few"), tmp_path_factory.mktemp("many")
    write_report(sweep(few / "sweep"), few, "python -m segexp.compare runs=" + "very/long/path/" * 20)
    for number in range(40):
        loss = "focal" if number == 0 else f"a_rather_long_name_of_an_option_{number}"
        run(many / "sweep" / f"{number}", loss, 0, 0.5 + number / 100)
    write_report(compare_folder(many / "sweep"), many, "python -m segexp.compare")
    return {"few": few / "report.html", "many": many / "report.html"}


def new_page(browser, width: int, height: int) -> Any:
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(1000 * PATIENCE)
    return page


@pytest.fixture(params=SIZES, ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser, reports: dict[str, Path]) -> Iterator:
    """The page with a few variants, and the requests and messages while it loaded."""
    page = new_page(browser, *request.param)
    page.requests, page.messages = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.messages.append(message.text))
    page.on("pageerror", lambda error: page.messages.append(str(error)))
    page.on("dialog", lambda dialog: page.messages.append(dialog.message))
    page.goto(reports["few"].as_uri())
    yield page
    page.close()


def test_nothing_is_requested_from_the_network_and_the_console_is_empty(page, reports: dict[str, Path]) -> None:
    assert [url for url in page.requests if not url.startswith("data:")] == [reports["few"].as_uri()]
    assert page.messages == []


@pytest.mark.parametrize("which", ["few", "many"])
def test_the_page_never_scrolls_sideways(page, reports: dict[str, Path], which: str) -> None:
    page.goto(reports[which].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_nothing_is_cut_off_on_paper(browser, reports: dict[str, Path]) -> None:
    paper = new_page(browser, 700, 1000)  # A4 without margins, in CSS pixels
    paper.goto(reports["few"].as_uri())
    paper.emulate_media(media="print")
    assert paper.evaluate("document.documentElement.scrollWidth") <= 700
    paper.close()


def test_every_section_can_be_reached(page) -> None:
    assert page.locator("h2").all_inner_texts() == SECTIONS
    links = page.locator("nav a").all()
    assert len(links) == len(SECTIONS)
    for link in links:
        link.click()
        assert page.locator(link.get_attribute("href")).locator("h2").is_visible()


def test_figures_and_pictures_have_a_size_and_a_name(page) -> None:
    figures = page.locator("figure svg").all()
    assert len(figures) == 6
    for figure in figures:
        box = figure.bounding_box()
        assert min(box["width"], box["height"]) > 100
        assert figure.get_attribute("aria-label")
    pictures = page.locator("img").all()
    assert len(pictures) == 8 * 5
    assert all(picture.evaluate("each => each.naturalWidth") == 320 for picture in pictures)


def test_what_is_too_wide_scrolls_by_itself_and_by_the_keyboard(page) -> None:
    boxes = page.locator(".wide").all()
    assert len(boxes) >= 5
    for box in boxes:
        assert box.bounding_box()["width"] <= page.viewport_size["width"]
        assert box.get_attribute("tabindex") == "0"
        assert box.get_attribute("aria-label")


def test_hostile_names_are_seen_as_they_are(page) -> None:
    assert HOSTILE in page.locator("#verdict").inner_text()
