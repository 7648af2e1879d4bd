"""The page's messages when the server refuses, is busy, or is gone."""

from collections.abc import Callable

import pytest

from tests.browser.page import image_answer, open_page, wait_until_complete

pytestmark = pytest.mark.browser


def test_an_unknown_image_shows_the_servers_message(browser, served: str) -> None:
    page = open_page(browser, "desk")
    page.goto(f"{served}#id=nobody")
    page.locator("#alert", has_text=image_answer(served, "nobody")["error"]["message"]).wait_for()
    page.locator("#ids a").first.click()
    wait_until_complete(page)
    assert page.locator("#alert").is_hidden()
    page.close()


def test_a_server_that_is_gone_is_reported_and_asked_again(browser, serve: Callable) -> None:
    page = open_page(browser, "desk")
    with serve() as address:
        page.goto(address)
        wait_until_complete(page)
        page.wait_for_load_state("networkidle")
    for _ in range(2):  # the next image may be there already
        page.keyboard.press("ArrowRight")
    page.locator("#alert", has_text="No answer from the server").wait_for()
    with serve(f"port={address.rpartition(':')[2].rstrip('/')}"):
        page.locator("#again").click()
        wait_until_complete(page)
    page.close()


def test_the_token_is_asked_for_until_it_is_right(browser, serve: Callable) -> None:
    with serve(SEGEXP_TOKEN="right") as address:
        page = open_page(browser, "phone")
        page.goto(address)
        for typed in ("wrong", "right"):
            page.get_by_label("Token", exact=True).fill(typed)
            page.keyboard.press("Enter")
            if typed == "wrong":
                page.locator("#token-said", has_text="This token was not accepted").wait_for()
        wait_until_complete(page)
        assert page.locator("#token").is_hidden()
        page.reload()
        wait_until_complete(page)
        assert all("right" not in url for url in page.requests)
        page.close()


def test_the_page_waits_for_a_busy_server_and_says_so(browser, served: str) -> None:
    page, is_busy = open_page(browser, "desk"), True

    def refuse(route) -> None:
        """Refuse as the server does; see tests/serve/test_busy.py."""
        body = {"error": {"code": 503, "message": "busy"}}
        route.fulfill(status=503, headers={"retry-after": "1"}, json=body) if is_busy else route.continue_()

    page.route("**/api/images/*", refuse)
    page.goto(served)
    page.locator("#status", has_text="The server is busy; retrying in 1 s.").wait_for()
    is_busy = False
    wait_until_complete(page)
    page.close()
