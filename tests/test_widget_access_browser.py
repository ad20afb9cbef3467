"""The widget keeps nobody out: axe-core in each of its states, a bubble that is a button, and a phone's width."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.test_widget_browser import ask, browser, last_answer, open_page, open_widget, server

__all__ = ["browser", "server"]
pytestmark = pytest.mark.browser
RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


SETTLED = """widget => Promise.allSettled(widget.shadowRoot.getAnimations()
  .filter(each => each.effect.getComputedTiming().iterations !== Infinity).map(each => each.finished))"""


def find_barriers(page: Page) -> list[str]:
    """What axe-core finds in the widget once nothing fades in or out, whatever it thinks of the page around it."""
    page.locator("minirag-widget").evaluate(SETTLED)
    found = Axe().run(page, context="minirag-widget", options=RULES).response["violations"]
    return [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"]
    ]


def reach_each_state(page: Page, server) -> Iterator[str]:
    """Bring the widget into one state after the other; yields its name."""
    yield "closed"
    open_widget(page)
    yield "just opened"
    ask(page, "hold first")
    expect(last_answer(page)).to_contain_text("Push filter")
    yield "while an answer is written"
    server.release()
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    yield "with an answer"
    page.get_by_role("button", name="Source 1: Product handbook").first.press("Enter")
    yield "with a passage open"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Not helpful").click()
    yield "while somebody says what was wrong"
    ask(page, "help me")
    expect(page.get_by_text("You may mean:")).to_be_visible()
    yield "with help below a refusal"
    ask(page, "markdown all")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    yield "with all of Markdown"
    page.get_by_role("button", name="Your conversations").click()
    expect(page.get_by_role("dialog", name="Your conversations")).to_be_visible()
    yield "with earlier conversations"


@pytest.mark.parametrize(
    "looks",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark", "viewport": {"width": 390, "height": 800}},
    ],
    ids=["light", "dark on a phone"],
)
def test_axe_finds_nothing_in_any_state(browser, server, looks):
    for page in open_page(browser, server.url + "/demo/", **looks):
        found = {state: find_barriers(page) for state in reach_each_state(page, server)}
        assert {state: barriers for state, barriers in found.items() if barriers} == {}


def test_at_four_hundred_percent_of_a_wide_screen_all_of_it_is_reached(browser, server):
    """1280 × 1024 pixels zoomed fourfold are 320 × 256."""
    for page in open_page(browser, server.url + "/demo/", viewport={"width": 320, "height": 256}):
        open_widget(page)
        ask(page, "markdown all")
        expect(last_answer(page).locator(".thumbs")).to_be_visible()
        frame = page.locator("section.window").bounding_box()
        assert (frame["x"], frame["width"], frame["height"]) == (0, 320, 256)
        assert page.locator(".log").evaluate("log => log.scrollWidth - log.clientWidth") == 0
        assert page.locator(".log").bounding_box()["height"] >= 70
        for button in page.locator("section.window button:visible").all():
            button.scroll_into_view_if_needed()
            box = button.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 320
            assert min(box["width"], box["height"]) >= 20, button.get_attribute("aria-label")
        assert page.get_by_label("Your question").is_visible()
