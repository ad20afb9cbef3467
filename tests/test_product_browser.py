"""The widget in a real Chromium against the running product: on our page, on a foreign one, and on a refused one."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import Watch, launch_browser, take_screenshot
from tests.fakes.openai_server import FakeOpenAI
from tests.product import Product, TenantAccount, find_processes

pytestmark = [pytest.mark.product, pytest.mark.browser, pytest.mark.timeout(900)]

PROVIDER_KEY = "sk-browser-0123456789abcdef"
HANDBOOK = """# Kiln

The Torrance kiln reaches 1280 degrees Celsius after four hours and is cooled down over night. Never open its door
above 200 degrees.

# Glazes

Celadon glaze is fired at 1240 degrees in reduction. Stir the bucket for two minutes before dipping and wipe the foot of
every piece with a wet sponge.

# Courses

Evening courses take place on Tuesdays from 18:30 to 21:00 in the old dairy. A course costs 240 euros and has eight
evenings; clay and firing are included.
"""
QUESTION = "What temperature does the Torrance kiln reach?"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>A shop</title><link rel="icon" href="data:,">
<style>body {{ font: 18px sans-serif; margin: 40px }}</style></head><body><h1>A page of somebody else</h1>
<p>Its widget comes from another origin.</p>
<script src="{base_url}/static/minirag/widget.js" data-bot-id="{bot_id}" data-title="Kiln desk" defer></script>
</body></html>"""

OLD_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>An old shop</title></head><body>
<script src="{base_url}/dashboard/widget/minirag-widget.js" data-bot-id="{bot_id}" data-api-url="{base_url}"
data-api-token="{token}" data-title="Old desk"></script></body></html>"""

FRAMED = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>A shop</title><link rel="icon" href="data:,"></head><body>
<iframe src="{base_url}/t/pottery/chat/{bot_id}/" title="Ask" width="400" height="600"></iframe></body></html>"""


class ForeignPages:
    """A web server of somebody else's: `/<bot id>` is a page with that bot's widget, `/<bot id>/<token>` an old one,
    and `/<bot id>/frame` has the bot's own page in a frame."""

    def __init__(self, product: Product) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bot_id, _, token = self.path.strip("/").partition("/")
                page = {"": PAGE, "frame": FRAMED}.get(token, OLD_PAGE)
                body = page.format(base_url=product.base_url, bot_id=bot_id, token=token).encode()
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Pottery:
    """A tenant of the running product, its bots by what their model does, and two foreign web servers."""

    product: Product
    account: TenantAccount
    bots: dict[str, str]
    shop: ForeignPages
    stranger: ForeignPages
    provider: FakeOpenAI

    @property
    def secrets(self) -> list[str]:
        return [self.account.token, PROVIDER_KEY, self.account.password]

    def messages(self) -> list[dict]:
        chat = self.account.client.get("/v1/chat", params={"limit": 1}).json()[0]
        return self.account.client.get(f"/v1/chat/{chat['id']}/messages").json()


@pytest.fixture(scope="module")
def pottery(product: Product) -> Iterator[Pottery]:
    account = product.sign_up("pottery")
    shop, stranger = ForeignPages(product), ForeignPages(product)
    with FakeOpenAI() as provider:
        bots = {}
        models = {
            "offline": None,
            "steady": "openai/steady-60",
            "slow": "openai/steady-400",
            "weak": "openai/error-503-3",
        }
        for name, model in models.items():
            fields = {
                "embedding_model": "minirag/minilm",
                "description": "Ask about clay, glazes and courses.",
            }
            if model is not None:
                fields |= {
                    "model": model,
                    "credentials": {"api_key": PROVIDER_KEY, "api_base": provider.base_url},
                }
            bots[name] = product.make_bot(account, **fields | {"name": f"Kiln desk {name}"})
            settings = {
                "allowed_origins": [shop.origin],
                "is_public": True,
                "greeting": "Hello! Ask me about the **pottery**.",
                "starter_questions": [QUESTION, "What does a course cost?"],
            }
            answer = account.client.patch(f"/v1/bot-profiles/{bots[name]}/settings", json=settings)
            assert answer.status_code == 200, answer.text
            product.teach_text(account, bots[name], HANDBOOK, "Handbook of the pottery")
        yield Pottery(product, account, bots, shop, stranger, provider)
    shop.stop()
    stranger.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch_browser() as browser:
        yield browser


@contextmanager
def open_page(
    browser: Browser, pottery: Pottery, url: str, *, refused: bool = False, **options: object
) -> Iterator[Page]:
    """A page that must end without a console error, a request off the loopback, or a secret anywhere in it.

    With `refused` the console may say what the browser itself says of an answer of 4xx.
    """
    context = browser.new_context(
        **{"viewport": {"width": 1200, "height": 800}, "locale": "en-GB", **options}
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    watch = Watch(page)
    page.goto(url)
    yield page
    seen = (
        page.content()
        + page.evaluate("JSON.stringify(localStorage)")
        + "\n".join(watch.urls + watch.frames)
    )
    seen += page.evaluate(
        "[...document.querySelectorAll('minirag-widget')].map((w) => w.shadowRoot.innerHTML).join()"
    )
    context.close()
    assert watch.foreign == []
    assert [
        error
        for error in watch.errors
        if not (refused and error.startswith("Failed to load resource"))
    ] == []
    assert [secret for secret in pottery.secrets if secret in seen] == []
    assert "session_token" not in seen


def open_widget(page: Page) -> None:
    page.get_by_role("button", name="Open chat").click()
    expect(page.locator(".suggestions")).to_be_visible()


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")


def last_answer(page: Page) -> Locator:
    return page.locator(".message.assistant").last


def wait_until_answered(page: Page) -> None:
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")


def test_on_the_tenants_page_an_answer_is_cited_and_its_number_opens_the_source(browser, pottery):
    with open_page(browser, pottery, f"{pottery.product.base_url}/t/pottery/") as page:
        take_screenshot(page, "tenant-page")
        open_widget(page)
        expect(page.locator(".message.assistant strong")).to_have_text("pottery")
        take_screenshot(page, "greeting")
        ask(page, QUESTION)
        expect(last_answer(page)).to_contain_text("1280 degrees")
        mark = last_answer(page).locator("button.mark").first
        expect(mark).to_be_visible()
        excerpt = page.locator(".excerpt").first
        expect(excerpt).to_be_hidden()
        mark.click()
        expect(excerpt).to_be_visible()
        expect(excerpt).to_contain_text("Torrance kiln reaches 1280 degrees")
        expect(page.locator(".sources")).to_contain_text("Handbook of the pottery")
        page.wait_for_timeout(400)
        take_screenshot(page, "cited-answer")


def test_a_starter_question_of_the_tenants_page_asks_the_widget(browser, pottery):
    with open_page(browser, pottery, f"{pottery.product.base_url}/t/pottery/") as page:
        page.get_by_role("button", name="What does a course cost?").click()
        expect(last_answer(page)).to_contain_text("240 euros")


def test_what_the_documents_do_not_know_is_refused_calmly(browser, pottery):
    with open_page(browser, pottery, f"{pottery.product.base_url}/t/pottery/") as page:
        open_widget(page)
        ask(page, "Who won the football world championship in Uruguay?")
        expect(last_answer(page)).to_contain_text("Not found in the documents")
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page.locator(".sources")).to_have_count(0)
        take_screenshot(page, "refusal")


def test_on_an_allowed_foreign_page_the_tokens_arrive_one_after_another(browser, pottery):
    with open_page(browser, pottery, f"{pottery.shop.origin}/{pottery.bots['steady']}") as page:
        open_widget(page)
        ask(page, "After how many hours does the Torrance kiln reach 1280 degrees Celsius?")
        lengths = set()
        deadline = time.monotonic() + 60
        while (
            page.get_by_role("log").get_attribute("aria-busy") == "true"
            and time.monotonic() < deadline
        ):
            lengths.add(len(last_answer(page).locator(".body").inner_text()))
            if len(lengths) == 4:
                take_screenshot(page, "streaming")
            page.wait_for_timeout(50)
        expect(last_answer(page)).to_contain_text("You said:")
        assert len(lengths) >= 5, lengths
        take_screenshot(page, "foreign-page")


def test_a_page_that_is_not_allowed_is_told_so_calmly(browser, pottery):
    with open_page(
        browser, pottery, f"{pottery.stranger.origin}/{pottery.bots['offline']}", refused=True
    ) as page:
        page.get_by_role("button", name="Open chat").click()
        expect(page.get_by_role("alert")).to_contain_text("may not be used on this page")
        expect(page.get_by_role("button", name="Retry")).to_have_count(0)
        take_screenshot(page, "not-allowed")


def test_a_bots_own_page_answers_in_a_frame_on_its_pages_and_on_no_other(browser, pottery):
    path = f"/{pottery.bots['offline']}/frame"
    with open_page(browser, pottery, pottery.shop.origin + path) as page:
        chat = page.frame_locator("iframe")
        chat.get_by_label("Your question").fill(QUESTION)
        chat.get_by_label("Your question").press("Enter")
        expect(chat.locator(".message.assistant").last).to_contain_text("1280 degrees")
    page = browser.new_page()
    page.goto(pottery.stranger.origin + path)
    assert page.frames[1].url.startswith("chrome-error:")
    page.close()


def test_a_failing_provider_is_a_card_with_a_retry_that_answers(browser, pottery):
    with open_page(browser, pottery, f"{pottery.shop.origin}/{pottery.bots['weak']}") as page:
        open_widget(page)
        ask(page, QUESTION)
        card = page.get_by_role("alert")
        expect(card).to_be_visible(timeout=60_000)
        take_screenshot(page, "provider-error")
        assert PROVIDER_KEY not in card.inner_text() and "127.0.0.1" not in card.inner_text()
        page.get_by_role("button", name="Retry").click()
        expect(last_answer(page)).to_contain_text("You said:")
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page.locator(".message.user")).to_have_count(1)


def test_an_answer_can_be_stopped_and_what_was_said_is_stored(browser, pottery):
    with open_page(browser, pottery, f"{pottery.shop.origin}/{pottery.bots['slow']}") as page:
        open_widget(page)
        ask(page, QUESTION)
        expect(last_answer(page)).to_contain_text("You said:")
        page.get_by_role("button", name="Stop the answer").click()
        expect(last_answer(page)).to_contain_text("Stopped.")
        wait_until_answered(page)
        take_screenshot(page, "stopped")
        question, answer = pottery.messages()
        assert question["content"] == QUESTION
        assert answer["content"].startswith("You said:") and len(answer["content"]) < 200
        assert pottery.provider.wait_for_broken_pipe(), "the provider's stream must be closed too"


def test_feedback_is_stored_and_can_be_taken_back(browser, pottery):
    with open_page(browser, pottery, f"{pottery.shop.origin}/{pottery.bots['offline']}") as page:
        open_widget(page)
        ask(page, QUESTION)
        helpful = page.get_by_role("button", name="Helpful", exact=True)
        for feedback, pressed in (("positive", "true"), (None, "false"), ("positive", "true")):
            helpful.click()
            expect(helpful).to_have_attribute("aria-pressed", pressed)
            deadline = time.monotonic() + 60
            while pottery.messages()[-1]["feedback"] != feedback and time.monotonic() < deadline:
                page.wait_for_timeout(50)
            assert pottery.messages()[-1]["feedback"] == feedback


def test_a_reload_keeps_the_conversation_with_its_sources_and_a_new_one_starts_empty(
    browser, pottery
):
    with open_page(browser, pottery, f"{pottery.shop.origin}/{pottery.bots['offline']}") as page:
        open_widget(page)
        ask(page, QUESTION)
        wait_until_answered(page)
        page.get_by_role("button", name="Helpful", exact=True).click()
        page.wait_for_timeout(300)
        page.reload()
        page.get_by_role("button", name="Open chat").click()
        expect(page.locator(".message.user")).to_contain_text(QUESTION)
        expect(last_answer(page).locator("button.mark").first).to_be_visible()
        expect(page.get_by_role("button", name="Helpful", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        ask(page, "What does a course cost?")
        expect(last_answer(page)).to_contain_text("240 euros")
        wait_until_answered(page)
        assert len(pottery.messages()) == 4
        page.get_by_role("button", name="New conversation").click()
        expect(page.locator(".message.user")).to_have_count(0)
        expect(page.locator(".suggestions button")).to_have_count(2)
        ask(page, "When do evening courses take place?")
        expect(last_answer(page)).to_contain_text("Tuesdays")
        wait_until_answered(page)
        assert len(pottery.messages()) == 2


def test_another_visitor_does_not_see_the_conversation(browser, pottery):
    url = f"{pottery.shop.origin}/{pottery.bots['offline']}"
    with open_page(browser, pottery, url) as page:
        open_widget(page)
        ask(page, QUESTION)
        wait_until_answered(page)
        chat_id = page.evaluate(
            "Object.values(localStorage).map((text) => JSON.parse(text).chat_id)[0]"
        )
        key = page.evaluate("Object.keys(localStorage)[0]")
    assert chat_id
    with open_page(browser, pottery, url) as page:
        page.evaluate(
            "([key, chat_id]) => localStorage.setItem(key, JSON.stringify({visitor_id: crypto.randomUUID(), chat_id}))",
            [key, chat_id],
        )
        page.reload()
        open_widget(page)
        expect(page.locator(".message.user")).to_have_count(0)


def test_on_a_phone_in_the_dark_it_reads_as_well(browser, pottery):
    options = {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark"}
    with open_page(browser, pottery, f"{pottery.product.base_url}/t/pottery/", **options) as page:
        open_widget(page)
        ask(page, QUESTION)
        wait_until_answered(page)
        last_answer(page).locator("button.mark").first.click()
        page.wait_for_timeout(400)
        take_screenshot(page, "phone-dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_suspended_tenant_is_a_calm_sentence_in_open_and_in_new_windows(browser, pottery):
    url = f"{pottery.shop.origin}/{pottery.bots['offline']}"
    with open_page(browser, pottery, url, refused=True) as page:
        open_widget(page)
        ask(page, QUESTION)
        wait_until_answered(page)
        pottery.product.manage("suspend_tenant", "pottery", "--reason", "unpaid")
        try:
            ask(page, "What does a course cost?")
            expect(page.get_by_role("alert")).to_contain_text("not available at the moment")
            expect(page.get_by_role("alert")).not_to_contain_text("unpaid")
            take_screenshot(page, "suspended-open")
            page.reload()
            page.get_by_role("button", name="Open chat").click()
            expect(page.get_by_role("alert")).to_contain_text("not available at the moment")
            take_screenshot(page, "suspended-new")
        finally:
            pottery.product.manage("restore_tenant", "pottery")
        page.reload()
        page.get_by_role("button", name="Open chat").click()
        expect(page.locator(".message.user").first).to_contain_text(QUESTION)


def test_a_page_made_for_the_predecessor_works_with_its_token(browser, pottery):
    """Its origin is in no list; its script's address and attributes are the old ones."""
    token = pottery.account.client.post(
        "/v1/api-tokens", json={"name": "old page", "scopes": ["chat"]}
    ).json()
    page = browser.new_page()
    page.goto(f"{pottery.stranger.origin}/{pottery.bots['offline']}/{token['raw_token']}")
    open_widget(page)
    ask(page, QUESTION)
    wait_until_answered(page)
    expect(last_answer(page)).to_contain_text("1280")
    expect(page.get_by_role("heading", name="Old desk")).to_be_visible()
    page.close()


def log_in(browser: Browser, pottery: Pottery, path: str, **options: object) -> Page:
    """A page of the tenant's admin, in a browser of its own."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(f"{pottery.product.base_url}/t/pottery{path}")
    page.fill("[name=username]", pottery.account.email)
    page.fill("[name=password]", pottery.account.password)
    page.keyboard.press("Enter")
    return page


def visit(browser: Browser, url: str, **options: object) -> Page:
    """A page with the widget open, in a browser of its own."""
    context = browser.new_context(**options)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="Open chat").click()
    return page


def test_a_person_takes_a_chat_over_and_a_visitor_who_breaks_off_finds_everything(browser, pottery):
    bot, shop = pottery.bots["offline"], pottery.shop.origin
    rules = pottery.account.client.put(f"/v1/bot-profiles/{bot}/handoff-rules", json={})
    assert rules.status_code == 200, rules.text
    inbox = log_in(browser, pottery, "/admin/conversations/handoff/")
    watch = Watch(inbox)
    expect(inbox.locator("[data-count]")).to_contain_text("0 waiting")
    take_screenshot(inbox, "inbox-empty")
    look = {"viewport": {"width": 1200, "height": 800}}
    page = visit(browser, f"{shop}/{bot}", locale="en-GB", **look)
    ask(page, QUESTION)
    expect(last_answer(page)).to_contain_text("1280 degrees")
    wait_until_answered(page)
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator(".company")).to_contain_text("A person has been called")
    take_screenshot(page, "widget-waiting")
    # The list hears of it by itself.
    expect(inbox.locator("#result_list")).to_contain_text(QUESTION)
    expect(inbox).to_have_title(re.compile(r"^\(1\)"))
    take_screenshot(inbox, "inbox-waiting")
    inbox.get_by_role("link", name=QUESTION).first.click()
    inbox.get_by_role("button", name="Join", exact=True).click()
    expect(page.locator(".company")).to_contain_text("is here and answers you")
    expect(inbox.get_by_label("Your answer")).to_be_enabled()
    inbox.get_by_label("Your answer").press_sequentially("One ", delay=20)
    expect(page.locator(".typing-line")).to_contain_text("is typing")
    inbox.get_by_label("Your answer").fill("The small kiln reaches **1100** degrees.")
    inbox.keyboard.press("Control+Enter")
    expect(page.locator(".message.person strong")).to_have_text("1100")
    ask(page, "And is it <b>quick</b>?")
    expect(inbox.locator("[data-thread]")).to_contain_text("And is it <b>quick</b>?")
    take_screenshot(page, "widget-person")
    take_screenshot(inbox, "inbox-chat")
    # The visitor's browser dies; what is said meanwhile waits for them.
    state = page.context.storage_state()
    page.context.close()
    inbox.get_by_label("Your answer").fill("Three hours.")
    inbox.get_by_role("button", name="Send").click()
    expect(inbox.locator("[data-thread]")).to_contain_text("Three hours.")
    phone_look = {"color_scheme": "dark", "viewport": {"width": 390, "height": 800}}
    page = visit(browser, f"{shop}/{bot}", storage_state=state, locale="de-DE", **phone_look)
    expect(page.locator(".message.person").last).to_contain_text("Three hours.")
    expect(page.locator(".company")).to_contain_text("is here and answers you")
    take_screenshot(page, "widget-person-phone-dark")
    inbox.get_by_role("button", name="Hand back to the bot").click()
    expect(page.locator(".line").last).to_have_text("The assistant answers again.")
    ask(page, "What does a course cost?")
    expect(last_answer(page)).to_contain_text("240 euros")
    phone = log_in(browser, pottery, "/admin/conversations/handoff/?state=all", **phone_look)
    expect(phone.locator("#result_list")).to_contain_text(QUESTION)
    take_screenshot(phone, "inbox-phone-dark")
    phone.get_by_role("link", name=QUESTION).first.click()
    expect(phone.locator("[data-thread]")).to_contain_text("Three hours.")
    take_screenshot(phone, "inbox-chat-phone-dark")
    assert (watch.errors, watch.foreign) == ([], [])
    for each in (inbox, page, phone):
        each.context.close()


def test_a_web_process_killed_in_mid_takeover_loses_nothing_and_both_come_back(browser, pottery):
    bot, shop, product = pottery.bots["offline"], pottery.shop.origin, pottery.product
    rules = pottery.account.client.put(f"/v1/bot-profiles/{bot}/handoff-rules", json={})
    assert rules.status_code == 200, rules.text
    page = visit(browser, f"{shop}/{bot}", viewport={"width": 1200, "height": 800}, locale="en-GB")
    ask(page, "What does a course cost?")
    expect(last_answer(page)).to_contain_text("240 euros")
    wait_until_answered(page)
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator(".company")).to_contain_text("A person has been called")
    inbox = log_in(browser, pottery, "/admin/conversations/handoff/")
    inbox.get_by_role("link", name="What does a course cost?").first.click()
    inbox.get_by_role("button", name="Join", exact=True).click()
    answer, thread = inbox.get_by_label("Your answer"), inbox.locator("[data-thread]")
    answer.fill("With clay.")
    inbox.keyboard.press("Control+Enter")
    expect(page.locator(".message.person").last).to_contain_text("With clay.")
    answer.fill("And with firing")  # half an answer, that is not sent
    for pid in find_processes(product, "daphne"):
        os.kill(pid, signal.SIGKILL)
    ask(page, "Is glaze included?")  # into a line that is dead
    expect(thread).to_contain_text("Is glaze included?")
    expect(answer).to_have_value("And with firing")
    answer.press_sequentially(", yes.")
    expect(page.locator(".company")).to_contain_text("is here and answers you")
    inbox.keyboard.press("Control+Enter")
    expect(page.locator(".message.person").last).to_contain_text("And with firing, yes.")
    expect(thread.get_by_text("And with firing, yes.")).to_have_count(1)
    said = [(each["role"], each["content"]) for each in pottery.messages()]
    assert [content for role, content in said if role == "user"] == [
        "What does a course cost?", "Is glaze included?",
    ]  # fmt: skip
    assert [content for role, content in said if role == "person"] == [
        "With clay.", "And with firing, yes.",
    ]  # fmt: skip
    for each in (inbox, page):
        each.context.close()
