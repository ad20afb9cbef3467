"""The npm package on pages of React and Vue, as they are published: in Chromium, against a scripted server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.fakes.widget_server import BOT_ID, FakeWidgetServer
from tests.product import CHECKOUT
from tests.test_widget_browser import ask, browser, last_answer, open_page, open_widget, server

__all__ = ["browser", "server"]
pytestmark = pytest.mark.browser
CLIENTS = CHECKOUT / "clients"
MODULES = CLIENTS / "node_modules"
REACT = {
    "scheduler": "scheduler/cjs/scheduler.production.js",
    "react": "react/cjs/react.production.js",
    "react-dom": "react-dom/cjs/react-dom.production.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.production.js",
}
IN_REACT = """
const { createElement, useState } = require("react");
function Page() {
  const [said, say] = useState("");
  const [theme, wear] = useState("light");
  const [isThere, put] = useState(true);
  const props = { "bot-id": BOT, "api-url": location.origin, theme, onmessage: ({ detail }) => say(detail.role) };
  return createElement("main", null,
    createElement("button", { onClick: () => wear("dark") }, "Darken"),
    createElement("button", { onClick: () => put(!isThere) }, "Toggle"),
    createElement("output", null, said),
    isThere && createElement("minirag-widget", props));
}
require("react-dom/client").createRoot(document.querySelector("#app")).render(createElement(Page));
"""
IN_VUE = """
import { createApp, h, ref } from "/vue.js";
const said = ref(""), theme = ref("light"), isThere = ref(true);
createApp({ render: () => h("main", [
  h("button", { onClick: () => (theme.value = "dark") }, "Darken"),
  h("button", { onClick: () => (isThere.value = !isThere.value) }, "Toggle"),
  h("output", said.value),
  isThere.value && h("minirag-widget", {
    "bot-id": BOT, "api-url": location.origin, theme: theme.value,
    onMessage: ({ detail }) => (said.value = detail.role),
  }),
]) }).mount("#app");
"""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="module" src="/widget-of-npm.js"></script><body><div id="app"></div>
<script type="module" src="/page.js"></script></body></html>"""


def write_page(framework: str) -> dict[str, str]:
    """The page's script by its path, and what it imports: without a bundler, which would prove no more."""
    bot = f"const BOT = {json.dumps(BOT_ID)};"
    if framework == "Vue":
        vue = (MODULES / "vue" / "dist" / "vue.esm-browser.prod.js").read_text()
        return {"/vue.js": vue, "/page.js": bot + IN_VUE}
    made = "".join(
        f"modules[{json.dumps(name)}] = (exports, require) => {{ {(MODULES / path).read_text()} }};"
        for name, path in REACT.items()
    )
    require = """const modules = {}, known = {};
    const require = (name) => known[name] || (modules[name]((known[name] = {}), require), known[name]);"""
    return {"/page.js": f"{bot}{require}{made}{IN_REACT}"}


@pytest.mark.parametrize("framework", ["React", "Vue"])
def test_a_page_of_a_framework_shows_it_hears_of_it_and_moves_it(
    browser, server: FakeWidgetServer, framework: str
):
    subprocess.run(["node", "build.js"], cwd=CLIENTS / "npm", check=True, timeout=60)
    package = Path(CLIENTS / "npm" / "dist" / "index.js").read_text()
    for path, text in {"/widget-of-npm.js": package, **write_page(framework)}.items():
        server.add_page(path, text)
    for page in open_page(browser, server.add_page("/", PAGE)):
        open_widget(page)
        ask(page, "plain Question")
        expect(last_answer(page).locator("button.mark")).to_have_count(2)
        expect(page.locator("output")).to_have_text("assistant")
        page.get_by_role("button", name="Darken").click()
        expect(page.locator("minirag-widget")).to_have_attribute("theme", "dark")
        page.get_by_role("button", name="Toggle").click()
        expect(page.locator("minirag-widget")).to_have_count(0)
        page.get_by_role("button", name="Toggle").click()
        page.get_by_role("button", name="Open chat").click()
        expect(last_answer(page).locator("button.mark")).to_have_count(2)
        fetched = "performance.getEntriesByType('resource').map(({ name }) => name)"
        assert not [url for url in page.evaluate(fetched) if "/static/" in url]
