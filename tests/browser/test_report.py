"""A report in Chromium: it opens from disk, requests nothing, fits every width, sorts and enlarges."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from segexp.compare.report.image_pictures import WIDTH
from segexp.compare.report.report_files import write_report
from segexp.config.compose import compose
from tests.compare.report.runs import HOSTILE, SECTIONS, compare_folder, run, sweep
from tests.serve.server_process import PATIENCE

pytestmark = pytest.mark.browser
SIZES = [(1280, 900), (390, 844)]
WIDTHS = [1280, 1024, 768, 390, 320]
OVERFLOWING = (Path(__file__).parent / "overflowing.js").read_text()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A few variants, many, all classes of Cityscapes, and equal scores."""
    few, many, city, equal = (tmp_path_factory.mktemp(name) for name in ("few", "many", "city", "equal"))
    write_report(sweep(few / "sweep"), few, "python -m segexp.compare runs=" + "very/long/path/" * 20)
    for number in range(40):
        loss = "focal" if number == 0 else f"a_rather_long_name_of_an_option_{number}"
        run(many / "sweep" / f"{number}", loss, 0, 0.5 + number / 100)
    write_report(compare_folder(many / "sweep"), many, "python -m segexp.compare")
    classes = {name: each["color"] for name, each in compose("train", [])["classes"]["classes"].items()}
    for loss in ("cross_entropy", "lovasz_softmax"):
        run(city / "sweep" / loss, loss, 0, 0.5 + len(loss) / 100, classes=classes)
        run(equal / "sweep" / loss, loss, 0)
    write_report(compare_folder(city / "sweep", "cross_entropy"), city, "python -m segexp.compare")
    write_report(compare_folder(equal / "sweep", "cross_entropy"), equal, "python -m segexp.compare")
    folders = {"few": few, "many": many, "city": city, "equal": equal}
    return {name: folder / "report.html" for name, folder in folders.items()}


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


@pytest.mark.parametrize("which", ["few", "many", "city"])
def test_at_every_width_nothing_overflows_but_in_boxes_that_are_seen_to_scroll(
    browser, reports: dict[str, Path], which: str
) -> None:
    page = new_page(browser, *SIZES[0])
    page.goto(reports[which].as_uri())
    page.locator("details").evaluate_all("all => all.forEach((each) => (each.open = true))")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate(OVERFLOWING) == [], width
    page.close()


def test_all_nineteen_classes_are_seen_on_a_desk_without_scrolling(browser, reports: dict[str, Path]) -> None:
    page = new_page(browser, *SIZES[0])
    page.goto(reports["city"].as_uri())
    for table in page.locator("#classes table, #confusion details[open] table").all():
        assert "bicycle" in table.inner_text()
        assert table.evaluate("each => each.offsetWidth <= each.parentElement.clientWidth")
    page.close()


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
    figures = page.locator("figure svg[role=img]").all()
    assert len(figures) == 1 + 2  # the curves, the intervals of two variants
    for figure in figures:
        assert figure.bounding_box()["width"] > 200
        assert figure.get_attribute("aria-label")
    pictures = page.locator(".scene img").all()
    assert len(pictures) == 8 * (2 + 3 * 2)  # image, truth; prediction and differences of three variants
    assert all(picture.evaluate("each => each.naturalWidth") == WIDTH for picture in pictures)


@pytest.mark.parametrize("which", ["few", "equal"])
@pytest.mark.parametrize("width", [1280, 390])
def test_tick_labels_are_on_one_line_each_and_do_not_touch(
    browser, reports: dict[str, Path], which: str, width: int
) -> None:
    page = new_page(browser, width, 844)
    page.goto(reports[which].as_uri())
    labels = page.locator(".forest .ticks span")
    lines = labels.evaluate_all(
        "all => all.map((each) => { const text = document.createRange(); text.selectNodeContents(each);"
        " return [...text.getClientRects()].map((line) => [line.left, line.right]); })"
    )
    assert len(lines) > 2
    assert [len(each) for each in lines] == [1] * len(lines)
    sides = sorted(each[0] for each in lines)
    assert all(right < left for (_, right), (left, _) in pairwise(sides))
    assert 0 <= sides[0][0] < sides[-1][1] <= width
    page.close()


def test_a_click_on_a_heading_sorts_and_another_turns_the_order_around(page) -> None:
    heading = page.locator("#verdict th", has_text="mean")
    column = page.locator("#verdict tbody td:nth-child(4)")
    shown = column.all_inner_texts()
    for order, is_reversed in (("descending", True), ("ascending", False)):
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == order
        assert column.all_inner_texts() == sorted(shown, reverse=is_reversed)
    difference = page.locator("#verdict th", has_text="difference").get_by_role("button")
    for _ in range(2):
        difference.click()
        assert page.locator("#verdict tbody th").last.inner_text() == "focal"  # the baseline has none


def test_a_click_enlarges_a_picture_and_another_closes_it(page) -> None:
    small = page.locator(".scene img").first
    small.click()
    large = page.locator("#enlarged img")
    assert large.get_attribute("src") == small.get_attribute("src")
    assert large.bounding_box()["width"] > small.bounding_box()["width"]
    assert large.bounding_box()["width"] <= page.viewport_size["width"]
    large.click()
    assert not page.locator("#enlarged").is_visible()


def test_without_scripts_everything_is_there(browser, reports: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(reports["few"].as_uri())
    assert page.locator("h2").all_inner_texts() == SECTIONS
    assert page.locator("#verdict tbody tr").count() == 3
    assert not page.locator("#enlarged").is_visible()
    context.close()


def test_what_is_too_wide_scrolls_by_itself_and_by_the_keyboard(page) -> None:
    boxes = page.locator(".wide").all()
    assert len(boxes) >= 5
    for box in boxes:
        assert box.bounding_box()["width"] <= page.viewport_size["width"]
        assert box.get_attribute("tabindex") == "0"
        assert box.get_attribute("aria-label")


def test_hostile_names_are_seen_as_they_are(page) -> None:
    assert HOSTILE in page.locator("#verdict").inner_text()
