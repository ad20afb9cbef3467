"""A page's style sheet does not reach the widget, whatever it says of all elements, of it, or of what it stands in."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.fakes.widget_server import BOT_ID
from tests.test_widget_browser import (
    ask,
    browser,
    last_answer,
    open_page,
    open_widget,
    server,
    wait_until,
)

__all__ = ["browser", "server"]
pytestmark = pytest.mark.browser

HOSTILE = [
    "* { all: revert !important }",
    "* { all: unset !important; font-size: 40px !important; line-height: 3 !important;"
    " color: red !important }",
    "div, minirag-widget { display: none !important }",
    "html, body, minirag-widget { transform: translateX(80px) rotate(5deg) !important; filter: blur(2px) !important }",
    "body { transform: scale(.5); filter: invert(1); opacity: .2; perspective: 100px; clip-path: inset(40%) }",
    "minirag-widget { position: absolute !important; left: -9999px !important; opacity: 0 !important;"
    " zoom: 3 !important; visibility: hidden !important; clip-path: inset(50%) !important;"
    " content-visibility: hidden !important }",
    "* { letter-spacing: 9px !important; text-transform: uppercase !important; text-align: right !important;"
    " writing-mode: vertical-rl !important; word-spacing: 40px !important; text-indent: 50px !important;"
    " visibility: hidden !important; pointer-events: none !important; user-select: none !important }",
    "button, textarea, h2, section, p { display: none !important; position: static !important; border: 9px solid }",
    "body > * { position: relative !important; z-index: 1 !important; overflow: hidden !important;"
    " max-height: 0 !important }",
]  # fmt: skip
# Where things are, and how they look.
MEASURE = """() => {
  const root = document.querySelector('minirag-widget').shadowRoot;
  const names = ['.window', 'header h2', '.message.user', '.message.assistant .body', 'form.ask textarea', '.send'];
  return names.map(name => {
    const node = root.querySelector(name), { x, y, width, height } = node.getBoundingClientRect();
    const style = getComputedStyle(node);
    return [name, ...[x, y, width, height].map(Math.round), style.fontSize, style.lineHeight, style.color,
      style.letterSpacing, style.textTransform, style.visibility, style.pointerEvents, style.writingMode];
  });
}"""
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">'
    '<link rel="stylesheet" href="/hostile/{0}.css">'
    '<script src="/static/minirag/widget.js" data-bot-id="{1}" defer></script>'
    "<body><p>Page</p></body></html>"
)


def test_a_hostile_page_changes_nothing(browser, server):
    seen = []
    for number, styles in enumerate(["", *HOSTILE]):
        server.add_page(f"/hostile/{number}.css", styles)
        server.add_page(f"/hostile/{number}/", PAGE.format(number, BOT_ID))
        for page in open_page(browser, f"{server.url}/hostile/{number}/"):
            expect(page.locator(".bubble")).to_have_css("position", "fixed")
            bubble = page.locator(".bubble").bounding_box()
            open_widget(page)
            ask(page, "plain Question")
            expect(last_answer(page).locator(".thumbs")).to_be_visible()
            moving = "document.querySelector('minirag-widget').window.getAnimations().length"
            wait_until(page, lambda page=page, moving=moving: page.evaluate(moving) == 0)
            seen.append((bubble, page.evaluate(MEASURE)))
    for styles, found in zip(HOSTILE, seen[1:], strict=True):
        assert found == seen[0], styles
