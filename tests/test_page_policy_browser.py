"""The pages' Content-Security-Policy in a real Chromium: everything on them works, and nothing else runs."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser import Watch, launch_browser
from tests.product import Product, TenantAccount

pytestmark = [pytest.mark.product, pytest.mark.browser, pytest.mark.timeout(900)]
_BY_MOUSE_ALONE = """[...document.querySelectorAll('[x-on\\\\:click]')]
    .filter((each) => each.getClientRects().length && each.tabIndex < 0)
    .filter((each) => each.textContent.trim() && !each.querySelector('a[href], button, input'))
    .map((each) => `by mouse alone: ${each.outerHTML.slice(0, 200)}`)"""
_EXCESS_WIDTH = "document.documentElement.scrollWidth - window.innerWidth"
OPERATOR, PASSWORD = "olga@platform.example.com", "correct horse battery"


@pytest.fixture(scope="module")
def browser():
    with launch_browser() as browser:
        yield browser


@pytest.fixture
def page(browser):
    """A page of a person who has been nowhere yet."""
    context = browser.new_context()
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def enter(page: Page, base_url: str, email: str, password: str) -> None:
    page.goto(f"{base_url}/admin/login/")
    page.fill("input[name=username]", email)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{base_url}/admin/")


# Each page is seen in one of these, so that all of them together are seen in each.
LOOKS = [(1280, "light", "en"), (390, "dark", "de"), (1280, "dark", "de"), (390, "light", "en")]
_RULES = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


def open_tab(page: Page, width: int, scheme: str, language: str) -> Page:
    tab = page.context.new_page()
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)
    tab.set_extra_http_headers({"Accept-Language": language})
    return tab


def find_barriers(tab: Page) -> list[str]:
    """What axe-core finds serious or critical on a page, with the first place of each, and what no keyboard opens."""
    found = Axe().run(tab, options=_RULES).response["violations"]
    return tab.evaluate(_BY_MOUSE_ALONE) + [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def open_all(tabs: list[Page], links: list[str]) -> list[str]:
    """Open each, several at once, until nothing more is fetched; returns the links to forms that add something."""
    found = []
    for first in range(0, len(links), len(tabs)):
        opened = list(zip(tabs, links[first : first + len(tabs)], strict=False))
        for tab, link in opened:
            tab.goto(link, wait_until="commit")
        for tab, _ in opened:
            tab.wait_for_load_state("networkidle")
            assert tab.evaluate(_EXCESS_WIDTH) <= 0, f"{tab.url} is wider than its window"
            assert find_barriers(tab) == [], tab.url
            found += tab.eval_on_selector_all("a[href*='/add/']", "all => all.map(a => a.href)")
    return found


def walk(page: Page, base_url: str) -> list[str]:
    """Open every list that the index leads to, and every form to add one; returns what was opened.

    Fails if a page says an error, asks for anything from elsewhere, is wider than its window, or keeps somebody out
    (axe-core); at two widths, light and dark, in English and German.
    """
    tabs = [open_tab(page, *look) for look in LOOKS]
    watches = [Watch(tab) for tab in tabs]
    links = page.eval_on_selector_all("a[href]", "all => all.map(each => each.href)")
    lists = {
        link.partition("?")[0]
        for link in links
        if link.startswith(f"{base_url}/admin/") and "logout" not in link and "#" not in link
    }
    adding = open_all(tabs, sorted(lists))
    forms = {each.partition("?")[0] for each in adding} - lists
    open_all(tabs, sorted(forms))
    assert [(watch.errors, watch.foreign) for watch in watches] == [([], [])] * len(tabs)
    return [*lists, *forms]


def test_a_tenants_admin_says_no_error_on_any_page(product: Product, acme_account, page):
    product.make_bot(acme_account)
    base_url = f"{product.base_url}/t/acme"
    watch = Watch(page)
    enter(page, base_url, acme_account.email, acme_account.password)
    assert len(walk(page, base_url)) > 10
    assert (watch.errors, watch.foreign) == ([], [])


def test_the_platforms_admin_says_no_error_on_any_page(product: Product, acme_account, page):
    product.manage("bootstrap", "--email", OPERATOR, "--password", PASSWORD)
    watch = Watch(page)
    enter(page, product.base_url, OPERATOR, PASSWORD)
    assert len(walk(page, product.base_url)) > 4
    page.goto(f"{product.base_url}/admin/tenants/tenant/{acme_account.tenant_id}/change/")
    open_all([open_tab(page, *look) for look in LOOKS], [page.url] * len(LOOKS))
    assert (watch.errors, watch.foreign) == ([], [])


@pytest.mark.parametrize("path", ["/", "/t/acme/", "/t/acme/chat/{bot}/", "/v1/docs", "/nothing"])
def test_a_public_page_says_no_error(product: Product, acme_account: TenantAccount, page, path):
    bot = product.make_bot(acme_account, is_public=True)
    watch = Watch(page)
    answer = page.goto(product.base_url + path.format(bot=bot))
    page.wait_for_load_state("networkidle")
    assert "'unsafe-eval'" not in answer.headers["content-security-policy"]
    errors = [each for each in watch.errors if "404" not in each]
    assert (errors, watch.foreign) == ([], [])


def test_a_style_that_slips_into_a_page_counts_for_nothing(product: Product, acme_account, page):
    """It could read what is typed, letter by letter, by what it has fetched."""
    product.make_bot(acme_account, is_public=True)
    for path in ("/", "/t/acme/", "/t/acme/admin/login/", "/admin/login/"):
        page.goto(product.base_url + path)
        page.evaluate(
            "() => document.body.insertAdjacentHTML('beforeend', '<style>body { --slipped: 1 }</style>')"
        )
        read = "getComputedStyle(document.body).getPropertyValue('--slipped')"
        assert page.evaluate(read) == ""


def test_the_admin_has_its_colours(product: Product, acme_account, page):
    page.goto(f"{product.base_url}/t/acme/admin/login/")
    read = "getComputedStyle(document.body).getPropertyValue('--color-primary-600')"
    assert "51.1%" in page.evaluate(read)


def test_a_script_that_slips_into_a_page_does_not_run(product: Product, acme_account, page):
    product.make_bot(acme_account, is_public=True)
    for path in ("/t/acme/", "/t/acme/admin/login/"):
        page.goto(product.base_url + path)
        page.evaluate(
            "() => { const slip = document.createElement('script'); slip.textContent = 'window.slipped = 1';"
            " document.body.append(slip); document.body.insertAdjacentHTML('beforeend',"
            " '<img src=x onerror=\"window.slipped = 1\">'); }"
        )
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.slipped") is None
