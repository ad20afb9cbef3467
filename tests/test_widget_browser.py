"""widget.js alone in a real Chromium, against a scripted server, on the demo's page under a strict CSP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.template import Context, Engine
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import launch_browser
from tests.fakes.widget_server import BOT_ID, FakeWidgetServer

pytestmark = pytest.mark.browser

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
LIBRARIES = {"i18n": "django.templatetags.i18n", "static": "tests.fakes.plain_static"}
STARTERS = [
    "plain How do I calibrate in fresh air?",
    "refuse Who won the cup?",
    "plain What does E24 mean?",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch_browser() as browser:
        yield browser


@pytest.fixture
def server() -> Iterator[FakeWidgetServer]:
    server = FakeWidgetServer()
    server.start()
    server.add_page("/demo/", render_demo_page())
    yield server
    server.stop()


def render_demo_page(accent: str = "#0f766e") -> str:
    """The product's template, with plain static URLs in place of the hashed ones."""
    engine = Engine(dirs=[str(TEMPLATES)], libraries=LIBRARIES)
    facts = {
        "tenant_name": "Acme Instruments",
        "bot_name": "Breva Assistant",
        "bot_id": BOT_ID,
        "tagline": "Clean air, measured and understood.",
        "starter_questions": STARTERS,
        "other_demo_url": "/t/globex/demo/",
        "other_tenant_name": "Globex Freight",
        "admin_url": "/t/acme/admin/",
        "accent": accent,
    }
    return engine.get_template("demo/page.html").render(Context(facts))


def open_page(browser: Browser, url: str, **options: object) -> Iterator[Page]:
    """A page that must end without a console error and without a request beyond the test's own server."""
    context = browser.new_context(
        **{"viewport": {"width": 1200, "height": 800}, "locale": "en-GB", **options}
    )
    context.set_default_timeout(60_000)
    page, complaints = context.new_page(), []
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: complaints.append(request.url) if "127.0.0.1" not in request.url else None,
    )
    page.goto(url)
    yield page
    context.close()
    assert [text for text in complaints if not text.startswith("data:")] == []


@pytest.fixture
def page(browser: Browser, server: FakeWidgetServer) -> Iterator[Page]:
    yield from open_page(browser, server.url + "/demo/")


@pytest.fixture
def phone(browser: Browser, server: FakeWidgetServer) -> Iterator[Page]:
    yield from open_page(browser, server.url + "/demo/", viewport={"width": 390, "height": 800})


def open_widget(page: Page) -> None:
    page.get_by_role("button", name="Open chat").click()
    expect(page.locator(".suggestions")).to_be_visible()


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")


def last_answer(page: Page):
    return page.locator(".message.assistant").last


def frames_of(server: FakeWidgetServer, kind: str) -> list[dict]:
    return [frame for frame in server.frames if frame["type"] == kind]


def wait_until(page: Page, is_so: Callable[[], bool]) -> None:
    """Wait for what the server has heard, or the page's own script, which comes after what the page shows.

    Playwright's own way to wait for a script is refused by a strict policy of the page where it has to ask twice.
    """
    deadline = time.monotonic() + 60
    while not (reached := is_so()) and time.monotonic() < deadline:
        page.wait_for_timeout(20)
    assert reached


def test_the_answer_is_visible_while_it_streams_and_complete_when_done(page, server):
    open_widget(page)
    ask(page, "hold How do I do the zero calibration?")
    expect(last_answer(page).locator(".body")).to_contain_text("Push filter cap AC-F02")
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".thumbs")).to_have_count(0)
    expect(page.locator("button.mark")).to_have_count(0)
    server.release()
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(page.get_by_role("log")).to_have_attribute("aria-busy", "false")


def test_no_secret_stands_in_the_page_or_in_a_url(page, server):
    open_widget(page)
    ask(page, "plain Question")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    assert server.sessions[0]["bot_profile_id"] == BOT_ID
    assert server.sessions[0]["origin"] == server.url
    (frame,) = frames_of(server, "authenticate")
    assert frame == {
        "type": "authenticate", "session_token": "token-1", "chat_id": None, "language": "en",
    }  # fmt: skip
    assert "token-1" not in page.content()
    assert page.evaluate("JSON.stringify(localStorage)").count("token") == 0


def test_markdown_becomes_elements_and_hostile_text_stays_text(page):
    open_widget(page)
    ask(page, "plain <b>bold?</b>")
    answer = last_answer(page)
    expect(answer.locator("strong")).to_have_text("AC-F02")
    expect(answer.locator("em")).to_have_text("air inlet")
    expect(answer.locator("code")).to_have_text("10 minutes")
    expect(answer.locator(".body ol > li")).to_have_count(2)
    link = answer.locator(".body a")
    expect(link).to_have_attribute("href", "https://docs.example/breva")
    assert "noopener" in link.get_attribute("rel")
    expect(page.locator(".message.user")).to_contain_text("<b>bold?</b>")
    expect(page.locator("minirag-widget img")).to_have_count(0)
    expect(page.locator("minirag-widget a[href^='javascript']")).to_have_count(0)


def test_a_citation_opens_its_source(page):
    open_widget(page)
    ask(page, "plain Question")
    excerpt = page.get_by_text("until it seats, and wait 10 minutes")
    expect(excerpt).to_be_hidden()
    page.get_by_role("button", name="Source 1: Product handbook").click()
    expect(excerpt).to_be_visible()
    expect(page.get_by_text("2 sources")).to_be_visible()
    expect(page.locator(".sources a")).to_have_attribute("href", "https://docs.example/handbook")
    expect(page.get_by_text("A forgotten cap shows")).to_be_hidden()


def test_a_refusal_is_shown_calmly_without_sources(page):
    open_widget(page)
    ask(page, "refuse Who won the cup?")
    expect(last_answer(page)).to_contain_text("Not found in the documents")
    expect(last_answer(page)).to_contain_text("I could not find an answer")
    expect(page.locator(".sources")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_refusal_offers_pages_questions_and_a_contact_and_a_click_asks(page, server):
    open_widget(page)
    ask(page, "help Who won the cup?")
    help = page.locator(".help")
    near = help.get_by_role("list", name="You may mean:")
    link = near.get_by_role("link", name="Delivery – What it costs")
    expect(link).to_have_attribute("href", "https://acme.example/delivery")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(near.locator("a")).to_have_count(1)
    near.get_by_text("<img src=x onerror=alert(1)>").click()
    expect(near.get_by_text("A parcel costs 9 euros.").first).to_be_visible()
    expect(near.locator("img")).to_have_count(0)
    expect(near.locator("summary").last).to_have_css("direction", "rtl")
    contact = help.get_by_role("link", name="help@acme.example")
    expect(contact).to_have_attribute("href", "mailto:help@acme.example")
    questions = help.get_by_role("group", name="You can ask me, for example:")
    expect(questions.get_by_role("button")).to_have_count(2)
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    questions.get_by_role("button").first.press("Enter")
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    assert frames_of(server, "question")[-1]["message"].startswith("plain What does delivery")
    expect(page.locator(".help .suggestions")).to_have_count(0)
    expect(near).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(near).to_be_visible()
    expect(page.locator(".help .suggestions")).to_have_count(0)


def test_below_a_good_answer_stands_what_may_be_asked_next_and_below_the_last_one_only(
    page, server
):
    open_widget(page)
    ask(page, "more First")
    offered = last_answer(page).get_by_role("group", name="You can also ask me:")
    expect(offered.get_by_role("button")).to_have_count(2)
    expect(last_answer(page).locator(".sources ~ .help, .below ~ .help")).to_have_count(1)
    ask(page, "more Second")
    expect(page.locator(".suggestions")).to_have_count(1)
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(page.locator(".message.assistant")).to_have_count(2)
    expect(page.locator(".suggestions")).to_have_count(1)
    offered.get_by_role("button", name="plain <img src=x onerror=alert(1)>").click()
    expect(page.locator(".message.assistant")).to_have_count(3)
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(page.locator(".suggestions")).to_have_count(0)
    assert frames_of(server, "question")[-1]["message"] == "plain <img src=x onerror=alert(1)>"


def test_a_vague_question_is_asked_back_with_buttons(page, server):
    open_widget(page)
    ask(page, "vague price")
    choices = last_answer(page).get_by_role("group", name="Which of these do you mean?")
    expect(choices.get_by_role("button")).to_have_count(3)
    expect(last_answer(page).locator(".body")).to_have_text("Which of these do you mean?")
    expect(last_answer(page).locator(".label")).to_have_count(0)
    choices.get_by_role("button", name="Your money").click()
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    assert (
        frames_of(server, "question")[-1]["message"] == "plain Sending something back: Your money"
    )


def test_a_cut_answer_says_so_and_still_does_after_a_reload(page):
    open_widget(page)
    ask(page, "cut How long is it?")
    note = "The answer was cut off: it reached its greatest length."
    expect(last_answer(page)).to_contain_text(note)
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(last_answer(page)).to_contain_text(note)


def test_what_a_providers_filter_refused_is_not_called_missing_in_the_documents(page):
    open_widget(page)
    ask(page, "filtered Question")
    expect(last_answer(page)).to_contain_text("I cannot answer that question.")
    expect(page.get_by_text("Not found in the documents")).to_have_count(0)


def test_a_retryable_error_offers_a_retry_that_answers(page, server):
    server.failures_left = 1
    open_widget(page)
    ask(page, "error Question")
    expect(page.get_by_role("alert")).to_contain_text(
        "This assistant is not available at the moment."
    )
    page.get_by_role("button", name="Retry").click()
    expect(last_answer(page).locator("button.mark").first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".message.user")).to_have_count(1)
    first, second = frames_of(server, "question")
    assert first["message"] == second["message"]
    assert first["request_id"] == second["request_id"], "or it would count twice"


def test_a_final_error_offers_no_retry_and_keeps_what_had_arrived(page):
    open_widget(page)
    ask(page, "fatal Question")
    expect(page.get_by_role("alert")).to_have_text("This assistant is not available at the moment.")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    expect(last_answer(page)).to_contain_text("Push filter")
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_a_visitor_is_told_of_a_quota_in_the_widgets_words_and_not_in_the_operators(page):
    open_widget(page)
    ask(page, "spent Question")
    expect(page.get_by_role("alert")).to_have_text(
        "This assistant has answered all the questions it may for now. Please come back later."
    )
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_an_expired_session_is_renewed_silently(page, server):
    open_widget(page)
    ask(page, "expire Question")
    expect(last_answer(page).locator("button.mark").first).to_be_visible()
    assert len(server.sessions) == 2
    assert [frame["session_token"] for frame in frames_of(server, "authenticate")] == [
        "token-1",
        "token-2",
    ]
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_broken_connection_ends_in_a_card_and_the_widget_goes_on(page):
    open_widget(page)
    ask(page, "drop Question")
    expect(page.get_by_role("alert")).to_contain_text("broke off")
    ask(page, "plain Question")
    expect(last_answer(page).locator("button.mark").first).to_be_visible()


def test_an_answer_goes_on_over_a_new_socket_where_the_old_one_broke(page, server):
    open_widget(page)
    ask(page, "break Question")
    expect(last_answer(page).locator(".body")).to_contain_text("Push filter cap")
    server.release()
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".message.user")).to_have_count(1)
    [question] = frames_of(server, "question")
    assert frames_of(server, "resume") == [
        {"type": "resume", "request_id": question["request_id"], "after": 2}
    ]
    assert last_answer(page).inner_text().count("Push filter cap") == 1


def test_a_page_that_is_loaded_anew_in_mid_answer_listens_to_the_rest(page, server):
    open_widget(page)
    ask(page, "break Question")
    expect(last_answer(page).locator(".body")).to_contain_text("Push filter cap")
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(page.locator(".message.user")).to_have_count(1)
    assert [frame["after"] for frame in frames_of(server, "resume")] == [0]
    assert len(frames_of(server, "question")) == 1


@pytest.mark.parametrize("trouble", ["swallow", "move"])
def test_a_question_that_a_restart_has_swallowed_is_asked_again_by_itself(page, server, trouble):
    open_widget(page)
    ask(page, f"{trouble} Question")
    expect(last_answer(page).locator("button.mark").first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".message.user")).to_have_count(1)
    assert len(frames_of(server, "question")) == 2


def test_an_answer_that_the_server_finished_alone_is_fetched_after_a_broken_connection(
    page, server
):
    open_widget(page)
    ask(page, "plain first")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    ask(page, "behind my back")
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert len(frames_of(server, "question")) == 2


def test_a_running_answer_can_be_stopped(page, server):
    open_widget(page)
    ask(page, "hold Question")
    expect(last_answer(page)).to_contain_text("Push filter cap")
    page.get_by_role("button", name="Stop the answer").click()
    expect(last_answer(page)).to_contain_text("Stopped.")
    # What a line that stumbles has the widget send again bears the same id, and is one question.
    [asked] = {each["request_id"] for each in frames_of(server, "question")}
    assert frames_of(server, "stop") == [{"type": "stop", "request_id": asked}]
    ask(page, "plain Question")
    expect(last_answer(page).locator("button.mark").first).to_be_visible()


def test_a_stopped_answer_can_be_asked_again_and_its_question_counts_once(page, server):
    """At once, and after a reload."""
    open_widget(page)
    again = page.get_by_role("button", name="Retry")
    for _ in range(2):
        ask(page, "hold Question") if not again.count() else again.click()
        expect(last_answer(page)).to_contain_text("Push filter cap")
        page.get_by_role("button", name="Stop the answer").click()
        expect(last_answer(page)).to_contain_text("Stopped.")
        expect(again).to_have_count(1)
        page.reload()
        page.get_by_role("button", name="Open chat").click()
        expect(last_answer(page)).to_contain_text("Stopped.")
        expect(page.locator(".message.user")).to_have_count(1)
    again.click()
    expect(again).to_have_count(0)
    expect(last_answer(page)).to_contain_text("Push filter cap")  # it has begun to wait
    server.release()
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(last_answer(page)).not_to_contain_text("Stopped.")
    expect(page.locator(".message.user")).to_have_count(1)
    assert len({frame["request_id"] for frame in frames_of(server, "question")}) == 1


@pytest.mark.parametrize("how", ["refused", ""])
def test_the_late_end_of_what_was_stopped_does_not_end_what_is_asked_again(cut_page, server, how):
    page, server.blocks_sockets, server.failures_left = cut_page, how, 1
    open_widget(page)
    ask(page, "late Question")
    wait_until(page, lambda: len(frames_of(server, "question")) == 1)
    page.get_by_role("button", name="Stop the answer").click()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("button", name="Stop the answer")).to_be_visible()
    server.release()  # only now that end is told
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".message.user")).to_have_count(1)
    assert len(server.chats) == 1


def test_two_tabs_show_the_same_conversation_while_it_is_written(page, server):
    open_widget(page)
    other = page.context.new_page()
    other.goto(server.url + "/demo/")
    open_widget(other)
    ask(page, "break Question")
    for tab in (page, other):
        expect(tab.locator(".message.user")).to_have_text("You: break Question")
        expect(last_answer(tab).locator(".body")).to_contain_text("Push filter cap")
    server.release()
    for tab in (page, other):
        expect(last_answer(tab).locator("button.mark")).to_have_count(2)
        assert last_answer(tab).inner_text().count("Push filter cap") == 1
    ask(other, "plain second")
    expect(page.locator(".message.user").last).to_have_text("You: plain second")
    expect(other.locator(".message.assistant .thumbs")).to_have_count(2)
    assert len(frames_of(server, "question")) == 2
    page.get_by_role("button", name="New conversation").click()
    for tab in (page, other):
        expect(tab.locator(".message.user")).to_have_count(0)
        expect(tab.locator(".suggestions button")).to_have_count(2)


@pytest.fixture
def cut_page(browser: Browser, server: FakeWidgetServer) -> Iterator[Page]:
    """A page whose network may fail, of which the browser's console speaks."""
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(server.url + "/demo/")
    yield page
    context.close()


@pytest.mark.parametrize("how", ["refused", "silent"])
def test_where_no_websocket_gets_through_requests_do_the_same(cut_page, server, how):
    page, server.blocks_sockets = cut_page, how
    open_widget(page)
    ask(page, "hold Question")
    expect(last_answer(page).locator(".body")).to_contain_text("Push filter cap")
    page.get_by_role("button", name="Stop the answer").click()
    expect(last_answer(page)).to_contain_text("Stopped.")
    ask(page, "plain Question")
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    page.get_by_role("button", name="Helpful", exact=True).last.click()
    wait_until(page, lambda: len(server.feedback) == 1)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert len(server.chats) == 1
    kinds = [frame and frame["type"] for frame in server.fetched]
    assert kinds == [None, "question", "stop", "question", "feedback"]
    server.blocks_sockets = ""
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    ask(page, "plain over the socket")
    expect(page.locator(".message.user")).to_have_count(3)
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    assert len(server.fetched) == 5


@pytest.mark.parametrize("how", ["refused", ""])
def test_a_chat_stays_one_where_its_first_question_was_stopped_before_the_server_said_a_word(
    cut_page, server, how
):
    page, server.blocks_sockets = cut_page, how
    open_widget(page)
    ask(page, "silent Question")
    wait_until(page, lambda: len(frames_of(server, "question")) == 1)
    page.get_by_role("button", name="Stop the answer").click()
    expect(last_answer(page)).to_contain_text("Stopped.")
    if how:
        ask(page, "plain second")
        expect(page.locator(".message.user")).to_have_count(2)
        server.release()
        expect(last_answer(page).locator("button.mark")).to_have_count(2)
    else:
        server.release()
        kept = "Object.values(localStorage).some((kept) => JSON.parse(kept).chat_id)"
        wait_until(page, lambda: page.evaluate(kept))
    assert len(server.chats) == 1
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(page.locator(".message.user").first).to_have_text("You: silent Question")
    expect(page.locator(".message.user")).to_have_count(2 if how else 1)


def test_what_is_stopped_before_there_is_a_connection_is_not_asked(page, server):
    server.blocks_sockets = "late"
    open_widget(page)
    ask(page, "plain Question")
    page.get_by_role("button", name="Stop the answer").click()
    server.release()
    expect(last_answer(page)).to_contain_text("Stopped.")
    ask(page, "plain second")
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    assert [frame["message"] for frame in frames_of(server, "question")] == ["plain second"]


def test_a_new_conversation_over_requests_hears_nothing_of_the_one_before(cut_page, server):
    page, server.blocks_sockets = cut_page, "refused"
    open_widget(page)
    ask(page, "silent Question")
    wait_until(page, lambda: len(frames_of(server, "question")) == 1)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".suggestions")).to_be_visible()
    with page.expect_event("requestfinished", lambda each: "question" in (each.post_data or "")):
        server.release()  # now that chat's id is told
    ask(page, "plain other")
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    asked = [
        [each["content"] for each in chat if each["role"] == "user"]
        for chat in server.chats.values()
    ]
    assert asked == [["silent Question"], ["plain other"]]


def test_what_is_asked_without_a_connection_is_sent_once_when_there_is_one(cut_page, server):
    """Where the line is gone, and where the page was loaded anew meanwhile."""
    page, offline = cut_page, "There is no connection."
    open_widget(page)
    wait_until(page, lambda: len(frames_of(server, "authenticate")) == 1)
    page.context.set_offline(True)
    server.cut()
    ask(page, "plain first")
    expect(last_answer(page)).to_contain_text(offline)
    page.context.set_offline(False)
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    server.blocks_sockets = "refused"
    page.context.route("**/v1/widget/**", lambda route: route.abort())
    server.cut()
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(page.get_by_role("alert")).to_contain_text("No connection")
    ask(page, "plain second")
    expect(last_answer(page)).to_contain_text(offline)
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(page.locator(".message.user")).to_have_text("You: plain second")
    expect(last_answer(page)).to_contain_text(offline)
    page.context.unroute("**/v1/widget/**")
    server.blocks_sockets = ""
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".message.user")).to_have_count(2)
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(page.get_by_text(offline)).to_have_count(0)
    asked = [frame["message"] for frame in frames_of(server, "question")]
    assert asked == ["plain first", "plain second"]


def test_a_question_that_is_too_long_is_refused_in_words_and_not_lost(page, server):
    open_widget(page)
    page.evaluate("document.querySelector('minirag-widget').ask('x'.repeat(32001))")
    expect(page.get_by_role("alert")).to_contain_text("Your question is too long.")
    assert len(page.get_by_label("Your question").input_value()) == 32_001
    assert frames_of(server, "question") == []


def test_a_reload_keeps_the_conversation_and_a_new_one_starts_empty(page, server):
    open_widget(page)
    ask(page, "plain first Question")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Open chat").click()
    expect(page.locator(".message.user")).to_have_text("You: plain first Question")
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    before, after = server.sessions
    assert after["visitor_id"] == before["visitor_id"]
    assert after["chat_id"] in server.chats
    wait_until(page, lambda: len(frames_of(server, "authenticate")) == 2)
    frame = frames_of(server, "authenticate")[-1]
    assert frame["chat_id"] == after["chat_id"], "or the next question begins a new chat"
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".message.user")).to_have_count(0)
    expect(page.locator(".suggestions button")).to_have_count(2)
    ask(page, "plain second Question")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    assert len(server.chats) == 2
    assert len(frames_of(server, "reset")) == 1


def test_feedback_can_be_given_and_taken_back(page, server):
    open_widget(page)
    ask(page, "plain Question")
    helpful, unhelpful = (
        page.get_by_role("button", name="Helpful", exact=True),
        page.get_by_role("button", name="Not helpful"),
    )
    helpful.click()
    expect(helpful).to_have_attribute("aria-pressed", "true")
    unhelpful.click()
    expect(helpful).to_have_attribute("aria-pressed", "false")
    unhelpful.click()
    expect(unhelpful).to_have_attribute("aria-pressed", "false")
    wait_until(page, lambda: len(server.feedback) == 3)
    assert [frame["feedback"] for frame in server.feedback] == ["positive", "negative", None]
    assert len({frame["message_id"] for frame in server.feedback}) == 1


def test_the_keyboard_is_enough(page):
    bubble = page.get_by_role("button", name="Open chat")
    bubble.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Breva Assistant")).to_be_visible()
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type("plain one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    expect(page.locator(".message.user")).to_have_text("You: plain one\ntwo")
    page.get_by_role("button", name="Source 2").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("A forgotten cap shows")).to_be_visible()
    page.keyboard.press("Escape")  # the passage
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(bubble).to_be_focused()


def test_a_question_on_the_page_asks_the_widget(page, server):
    page.get_by_role("button", name=STARTERS[0]).click()
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    assert frames_of(server, "question")[0]["message"] == STARTERS[0]


def test_a_suggested_question_is_asked_and_the_suggestions_go(page, server):
    open_widget(page)
    page.locator(".suggestions button").first.click()
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(page.locator(".suggestions")).to_have_count(0)


def test_on_a_phone_the_window_fills_the_screen_and_keeps_the_focus(phone):
    open_widget(phone)
    dialog = phone.get_by_role("dialog")
    phone.wait_for_timeout(300)  # until it has risen
    assert dialog.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 800}
    expect(dialog).to_have_attribute("aria-modal", "true")
    for _ in range(12):
        phone.keyboard.press("Tab")
        assert phone.evaluate("document.activeElement.localName") == "minirag-widget"
        assert phone.evaluate(
            "!!document.activeElement.shadowRoot.activeElement.closest('.window')"
        )
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_bubble_and_the_window_have_their_sizes(page):
    assert page.get_by_role("button", name="Open chat").bounding_box()["width"] == 56
    open_widget(page)
    page.wait_for_timeout(300)
    box = page.get_by_role("dialog").bounding_box()
    assert (box["width"], box["height"]) == (380, 560)


def test_arabic_runs_from_right_to_left(page):
    open_widget(page)
    ask(page, "arabic كيف؟")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    paragraph = last_answer(page).locator("p").first
    assert paragraph.evaluate("node => getComputedStyle(node).direction") == "rtl"


@pytest.mark.parametrize(
    ("lang", "page_runs", "runs", "button"),
    [
        ("ar", "ltr", "rtl", "فتح المحادثة"),
        ("fa", "rtl", "ltr", "Open chat"),
        ("de", "rtl", "ltr", "Chat öffnen"),
    ],
)
def test_the_window_runs_as_its_language_does(browser, server, lang, page_runs, runs, button):
    html = render_demo_page().replace('<html lang="en"', f'<html lang="{lang}" dir="{page_runs}"')
    server.add_page("/turned/", html)
    for page in open_page(browser, server.url + "/turned/"):
        page.get_by_role("button", name=button).click()
        window, question = page.locator("section.window"), page.locator("textarea")
        expect(page.locator(".suggestions")).to_be_visible()
        assert window.evaluate("node => getComputedStyle(node).direction") == runs
        assert question.evaluate("node => getComputedStyle(node).direction") == runs
        question.fill("كيف؟" if runs == "ltr" else "How?")
        assert question.evaluate("node => getComputedStyle(node).direction") != runs
        page.keyboard.press("Enter")
        said = page.locator(".message.user").last
        assert said.evaluate("node => getComputedStyle(node).direction") != runs
        # The visitor's own words stand at the end of the line, whatever language they are in.
        box, around = said.bounding_box(), window.bounding_box()
        is_left = box["x"] - around["x"] < around["x"] + around["width"] - box["x"] - box["width"]
        assert is_left == (runs == "rtl")
        pencil = said.locator(".edit").bounding_box()
        assert around["x"] < pencil["x"] < around["x"] + around["width"] - pencil["width"]


@pytest.mark.parametrize(
    ("said", "page_lang", "locale", "opens", "sources"),
    [
        ("pt-BR", "en", "en-GB", "Abrir o chat", "2 fontes"),
        ("", "zh-Hans-CN", "en-GB", "打开聊天", "2 个来源"),
        ("", "", "uk", "Відкрити чат", "2 джерела"),
        ("xx", "fa", "pl-PL", "Otwórz czat", "2 źródła"),
        ("", "ar", "de", "فتح المحادثة", "مصدران"),
    ],
)
def test_it_speaks_as_its_tag_or_the_page_or_the_browser_says(
    browser, server, said, page_lang, locale, opens, sources
):
    html = render_demo_page().replace('<html lang="en"', f'<html lang="{page_lang}"')
    server.add_page("/spoken/", html.replace(" data-bot-id", f' data-lang="{said}" data-bot-id'))
    for page in open_page(browser, server.url + "/spoken/", locale=locale):
        page.get_by_role("button", name=opens).click()
        expect(page.locator(".suggestions")).to_be_visible()
        page.locator("textarea").fill("plain")
        page.keyboard.press("Enter")
        expect(page.locator(".sources > summary")).to_have_text(sources)
        language = said or page_lang or locale
        assert frames_of(server, "authenticate")[0]["language"] == language


def test_it_speaks_english_where_its_words_do_not_come_and_what_was_asked_meanwhile_waits(
    browser, server
):
    server.add_page("/wordless/", render_demo_page().replace('<html lang="en"', '<html lang="it"'))
    context = browser.new_context(locale="it")
    page = context.new_page()
    waiting: list[Route] = []
    page.route("**/words/it.json", lambda route: waiting.append(route))
    page.goto(server.url + "/wordless/")
    expect(page.get_by_role("button", name="Apri la chat")).to_be_visible()
    with page.expect_request("**/words/it.json"):
        page.evaluate("() => { document.querySelector('minirag-widget').ask('plain Question') }")
    expect(page.locator("section.window")).to_have_count(0)
    waiting[0].abort()
    expect(page.locator(".sources > summary")).to_have_text("2 sources")
    context.close()


@pytest.mark.parametrize("accent", ["#0f766e", "#ffd54a", "#111111", "#7dd3fc"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_reads_well_on_every_accent_in_light_and_dark(browser, server, accent, scheme):
    server.add_page("/accent/", render_demo_page(accent))
    for page in open_page(browser, server.url + "/accent/", color_scheme=scheme):
        open_widget(page)
        ask(page, "plain Question")
        expect(last_answer(page).locator(".thumbs")).to_be_visible()
        ask(page, "help Question")
        expect(last_answer(page).locator(".thumbs")).to_be_visible()
        page.mouse.move(0, 0)
        for selector in (
            ".near a",
            ".near summary",
            ".help .contact",
            ".help .suggestions button",
            ".message.user",
            "header h2",
            ".body",
            ".sources summary",
            "footer",
            "button.mark",
        ):
            ratio = page.locator(f"minirag-widget {selector}").first.evaluate(CONTRAST)
            assert ratio >= 4.5, (selector, ratio)


def test_a_look_kept_with_the_bot_is_worn_and_what_the_tag_says_counts_first(browser, server):
    server.look = {
        "title": "Ask Ada", "theme": "dark", "position": "left", "size": "large", "radius": 4, "color": "#8a1c4a",
        "dark_color": "#d98aab", "logo_url": "",
    }  # fmt: skip
    tag = '<script src="/static/minirag/widget.js" data-bot-id="{}"{} defer></script>'
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">'
    server.add_page("/worn/", head + tag.format(BOT_ID, "") + "<body></body></html>")
    said = ' data-position="right" data-title="Here" data-theme="light"'
    server.add_page("/said/", head + tag.format(BOT_ID, said) + "<body></body></html>")
    for path, left, title, colour in (
        ("/worn/", 24, "Ask Ada", "rgb(217, 138, 171)"),
        ("/said/", 1200 - 24 - 460, "Here", "rgb(138, 28, 74)"),
    ):
        for page in open_page(browser, server.url + path):
            open_widget(page)
            window = page.get_by_role("dialog", name=title)
            expect(window).to_have_css("width", "460px")
            expect(window).to_have_css("border-radius", "4px")
            expect(page.locator("minirag-widget header")).to_have_css("background-color", colour)
            assert round(window.bounding_box()["x"]) == left
            assert page.locator("minirag-widget header h2").evaluate(CONTRAST) >= 4.5


CONTRAST = """node => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ink = light(parse(getComputedStyle(node).color));
  let behind = node;
  const clear = (element) => parse(getComputedStyle(element).backgroundColor)[3] === 0;
  while (behind.parentElement && clear(behind)) behind = behind.parentElement;
  const paper = light(parse(getComputedStyle(behind).backgroundColor));
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
}"""


def test_an_inline_widget_speaks_german_and_opens_by_itself(browser, server):
    server.add_page(
        "/inline/",
        '<!doctype html><html lang="de"><meta charset="utf-8"><link rel="icon" href="data:,">'
        '<script src="/static/minirag/widget.js" defer></script>'
        f'<body><minirag-widget bot-id="{BOT_ID}" placement="inline" title="Frag uns"></minirag-widget></body></html>',
    )
    for page in open_page(browser, server.url + "/inline/"):
        expect(page.get_by_text("Hallo! Fragen Sie mich")).to_be_visible()
        expect(page.get_by_role("region", name="Frag uns")).to_be_visible()
        expect(page.locator(".bubble")).to_have_count(0)
        page.get_by_label("Ihre Frage").fill("plain Frage")
        page.keyboard.press("Enter")
        expect(page.get_by_text("2 Quellen")).to_be_visible()


def test_a_conversation_is_whose_the_page_says_it_is(browser, server):
    """Logged in, out, and in as another, also while the answer to who was there before is on its way."""
    server.add_page(
        "/known/",
        '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">'
        '<script src="/static/minirag/widget.js" defer></script><body>'
        f'<minirag-widget bot-id="{BOT_ID}" placement="inline" identity="ada"></minirag-widget></body></html>',
    )
    become = (
        "name => { const w = document.querySelector('minirag-widget');"
        " name ? w.setAttribute('identity', name) : w.removeAttribute('identity') }"
    )
    for page in open_page(browser, server.url + "/known/"):
        ask(page, "plain secret of Ada")
        expect(last_answer(page).locator(".thumbs")).to_be_visible()
        assert server.sessions[0]["identity"] == "ada"
        for other in ("", "bob"):
            # Only the answer says that who was there before is gone: what is shown may look the same.
            with page.expect_response("**/v1/widget/sessions"):
                page.evaluate(become, other)
            expect(page.locator(".message.user")).to_have_count(0)
            expect(page.locator(".suggestions button")).to_have_count(2)
            assert server.sessions[-1].get("identity", "") == other
        ask(page, "plain question of Bob")
        expect(last_answer(page).locator(".thumbs")).to_be_visible()
        assert sorted(server.owners.values()) == ["ada", "bob"]
        chat = next(key for key, owner in server.owners.items() if owner == "ada")
        page.evaluate(
            "chat => { for (const key of Object.keys(localStorage)) {"
            " const kept = JSON.parse(localStorage[key]); kept.chat_id = chat;"
            " localStorage[key] = JSON.stringify(kept) } }", chat,
        )  # fmt: skip
        server.slow_identity = "ada"
        with page.expect_request("**/v1/widget/sessions"):
            page.reload()
        with page.expect_response("**/v1/widget/sessions"):
            page.evaluate(become, "")
        expect(page.locator(".suggestions button")).to_have_count(2)
        with page.expect_response("**/v1/widget/sessions"):
            server.release()
        ask(page, "plain question of nobody")
        expect(last_answer(page).locator(".thumbs")).to_be_visible()
        expect(page.locator(".message.user")).to_have_text("You: plain question of nobody")
        assert sorted(server.owners.values()) == ["", "ada", "bob"]


def test_a_page_that_is_not_allowed_is_told_so(browser, server):
    detail = "This page may not use the assistant."
    server.session_failure = (403, {"detail": detail, "code": "origin_not_allowed"})
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(server.url + "/demo/")
    page.get_by_role("button", name="Open chat").click()
    expect(page.get_by_role("alert")).to_have_text("This assistant may not be used on this page.")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    context.close()


def test_a_server_that_is_away_is_named_and_a_retry_connects(browser, server):
    server.session_failure = (503, {"detail": "The service is starting.", "code": "unavailable"})
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(server.url + "/demo/")
    page.get_by_role("button", name="Open chat").click()
    expect(page.get_by_role("alert")).to_contain_text("not available at the moment")
    server.session_failure = None
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".suggestions")).to_be_visible()
    context.close()
