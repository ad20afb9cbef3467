"""The API's reference in a real Chromium: it loads under its policy, calls nobody else, and calls can be tried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import Watch, launch_browser, take_screenshot
from tests.product import Product, TenantAccount

pytestmark = [pytest.mark.product, pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch_browser() as launched:
        yield launched


def test_a_call_is_tried_on_the_page_of_a_tenants_own_path(
    product: Product, acme_account: TenantAccount, browser: Browser
):
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    watch = Watch(page)
    page.goto(f"{product.base_url}/t/acme/v1/docs")
    expect(page.locator(".info .title")).to_contain_text("MiniRAG")
    take_screenshot(page, "reference")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("auth-bearer-value").fill(acme_account.token)
    page.locator(".auth-btn-wrapper").get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").first.click()
    page.locator("#operations-tag-bot-profiles").click()
    page.locator("#operations-bot-profiles-create_bot").locator(".opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table tr.response .response-col_status")
    expect(answer).to_contain_text("201")
    take_screenshot(page, "reference-tried")
    assert watch.errors == []
    assert watch.foreign == []
    assert f"{product.base_url}/t/acme/v1/bot-profiles" in watch.urls
