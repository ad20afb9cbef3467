"""What a page may ask of the widget that stands on it, and what it is told: in Chromium, against a scripted server."""

from __future__ import annotations

import base64
from hashlib import sha384

import pytest
from playwright.sync_api import Route, expect

from tests.fakes.widget_server import BOT_ID, STATIC
from tests.test_widget_browser import (  # noqa: F401 - fixtures
    ask,
    browser,
    frames_of,
    last_answer,
    open_page,
    open_widget,
    page,
    server,
    wait_until,
)

pytestmark = pytest.mark.browser

OTHER_BOT_ID = "9b1e6c52-0d3a-4a0e-8a3f-6f0f3b7d2c11"
HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">'
TAG = '<script src="/static/minirag/widget.js" data-bot-id="{}"{} defer></script>'
WIDGET = "document.querySelector('minirag-widget')"
LISTEN = """() => {
  window.heard = [];
  const names = ["ready", "open", "close", "message", "citation", "feedback", "handoff", "error"];
  for (const name of names) {
    document.querySelector("minirag-widget").addEventListener(name, ({ detail }) => heard.push([name, detail]));
  }
}"""

WATCH_SHIFTS = """() => {
  window.shifts = [];
  const watch = new PerformanceObserver((list) => shifts.push(...list.getEntries()));
  watch.observe({ type: "layout-shift", buffered: true });
}"""


def test_a_page_hears_of_what_happens_in_the_widget_and_of_no_secret(page, server):
    page.evaluate(LISTEN)
    open_widget(page)
    ask(page, "plain Question")
    page.get_by_role("button", name="Source 2").click()
    page.get_by_role("button", name="Helpful", exact=True).click()
    wait_until(page, lambda: page.evaluate("heard.some(([name]) => name === 'feedback')"))
    ask(page, "refuse Question")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    ask(page, "fatal Question")
    expect(page.get_by_role("alert")).to_be_visible()
    page.keyboard.press("Escape")
    # It may have been ready before somebody listened.
    heard = [each for each in page.evaluate("heard") if each[0] != "ready"]
    by_name = dict(heard)
    assert [name for name, _ in heard] == [
        "open", "message", "message", "citation", "feedback", "message", "message", "message", "error", "close",
    ]  # fmt: skip
    said = [detail for name, detail in heard if name == "message"]
    assert [each["role"] for each in said] == ["user", "assistant", "user", "assistant", "user"]
    assert said[0] == {"role": "user", "content": "plain Question"}
    assert said[1]["citations"][1]["url"] == ""  # javascript: is no address
    assert [each["refused"] for each in said if each["role"] == "assistant"] == [False, True]
    assert by_name["citation"]["number"] == 2
    assert by_name["feedback"] == {"message_id": said[1]["id"], "feedback": "positive"}
    assert by_name["error"]["retryable"] is False
    assert "token-" not in str(heard)
    assert server.sessions[0]["visitor_id"] not in str(heard)


def test_a_page_steers_the_widget(page, server):
    page.evaluate(LISTEN)
    assert page.evaluate(f"{WIDGET}.send('plain one')") is True
    expect(last_answer(page).locator(".thumbs")).to_be_visible()

    page.get_by_label("Your question").fill("half a question")
    page.evaluate(f"{WIDGET}.setLanguage('de-CH')")
    expect(page.get_by_label("Ihre Frage")).to_have_value("half a question")
    expect(page.get_by_label("Ihre Frage")).to_be_focused()
    expect(page.locator(".sources > summary")).to_have_text("2 Quellen")
    page.evaluate(f"{WIDGET}.lang = 'en'")
    expect(page.get_by_label("Your question")).to_be_visible()

    narrowed = {"tags": ["shoes"], "languages": ["de"]}
    page.evaluate(f"context => {WIDGET}.setContext(context)", narrowed)
    ask(page, "plain two")
    expect(page.locator(".thumbs")).to_have_count(2)
    assert frames_of(server, "authenticate")[-1]["source_filter"] == narrowed
    wrong = f"() => {{ try {{ {WIDGET}.setContext({{ groups: [] }}) }} catch (e) {{ return e.message }} }}"
    assert "not groups" in page.evaluate(wrong)
    page.evaluate(f"{WIDGET}.setContext({{}})")

    page.evaluate(f"{WIDGET}.reset()")
    expect(page.locator(".message.user")).to_have_count(0)
    page.evaluate(f"{WIDGET}.identify('ada')")
    ask(page, "plain three")
    expect(page.locator(".thumbs")).to_have_count(1)
    assert "source_filter" not in frames_of(server, "authenticate")[-1]
    assert server.sessions[-1]["identity"] == "ada"
    page.evaluate(f"{WIDGET}.identify(null)")
    page.evaluate(f"{WIDGET}.reset({{ forget: true }})")
    expect(page.locator(".suggestions")).to_be_visible()
    expect(page.locator(".message.user")).to_have_count(0)
    assert server.sessions[-1]["visitor_id"] != server.sessions[0]["visitor_id"]
    assert server.sessions[-1]["chat_id"] is None
    page.evaluate(f"{WIDGET}.close()")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_two_bots_of_one_page_keep_apart_and_a_tag_that_stands_twice_counts_once(browser, server):
    buttons = (
        f'<button data-minirag-ask="plain first">any</button>'
        f'<button data-minirag-ask="plain other" data-minirag-bot="{OTHER_BOT_ID}">other</button>'
    )
    first, other = TAG.format(BOT_ID, ""), TAG.format(OTHER_BOT_ID, ' data-position="left"')
    server.add_page("/two/", f"{HEAD}<body>{buttons}{first}{first}{other}{other}</body></html>")
    for shown in open_page(browser, server.url + "/two/"):
        widgets = shown.locator("minirag-widget")
        expect(widgets).to_have_count(2)
        shown.get_by_role("button", name="any").click()
        expect(widgets.first.locator(".thumbs")).to_be_visible()
        shown.get_by_role("button", name="other").click()
        expect(widgets.last.locator(".thumbs")).to_be_visible()
        expect(widgets.first.locator(".message.user")).to_have_text("You: plain first")
        expect(widgets.last.locator(".message.user")).to_have_text("You: plain other")
        bots = [session["bot_profile_id"] for session in server.sessions]
        assert bots == [BOT_ID, OTHER_BOT_ID]
        assert len({session["visitor_id"] for session in server.sessions}) == 2
        assert widgets.last.locator(".bubble").bounding_box()["x"] == 24
        # A page that shows another bot changes the attribute.
        shown.evaluate(f"document.querySelectorAll('minirag-widget')[1].botId = '{BOT_ID}'")
        expect(widgets.last.locator(".message.user")).to_have_text("You: plain first")


def test_before_somebody_clicks_a_page_fetches_the_bubble_and_its_look_alone(page, server):
    fetched = "performance.getEntriesByType('resource').map(({ name }) => name.split('?')[0].split('/').pop())"
    page.evaluate(WATCH_SHIFTS)
    expect(page.get_by_role("button", name="Open chat")).to_be_visible()
    before = page.evaluate(fetched)
    assert "widget.js" in before and "appearance" in before
    assert not {"chat.js", "markdown.js", "more.js", "en.json"} & set(before)
    assert server.sessions == []
    open_widget(page)
    assert {"chat.js", "markdown.js"} <= set(page.evaluate(fetched))
    assert page.evaluate("shifts") == []


@pytest.mark.parametrize(
    "scripts", ["'nonce-abc'", "'nonce-abc' 'strict-dynamic'"], ids=("nonce", "strict-dynamic")
)
def test_what_is_fetched_later_runs_where_a_page_runs_but_what_it_knows(browser, server, scripts):
    """Also what is imported, where no socket gets through."""
    server.scripts, server.blocks_sockets = scripts, "refused"
    digest = base64.b64encode(
        sha384((STATIC / "minirag" / "widget.js").read_bytes()).digest()
    ).decode()
    server.add_page(
        "/known/", HEAD + TAG.format(BOT_ID, f' nonce="abc" integrity="sha384-{digest}"')
    )
    page = browser.new_page(locale="en-GB")
    page.goto(server.url + "/known/")
    open_widget(page)
    ask(page, "plain Question")
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(last_answer(page).locator("strong")).to_have_text("AC-F02")
    assert len(server.fetched) == 2
    page.get_by_role("button", name="Your conversations").click()
    expect(page.get_by_role("dialog", name="Your conversations")).to_be_visible()
    page.close()


def test_where_the_rest_does_not_come_it_is_said_tried_again_and_what_was_asked_waits(
    browser, server
):
    page = browser.new_page(locale="en-GB")
    page.route("**/chat.js*", lambda route: route.abort())
    page.goto(server.url + "/demo/")
    page.evaluate(
        f"() => {{ {WIDGET}.send('plain Question').then((is) => (window.isAsked = is)) }}"
    )
    expect(page.get_by_role("status")).to_contain_text("✕ Open chat")
    page.unroute("**/chat.js*")
    page.get_by_role("button", name="Retry").click()
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    assert page.evaluate("isAsked") is True
    assert page.locator(".status").count() == 0
    page.close()


@pytest.mark.parametrize("turns", [True, False])
def test_a_window_that_comes_late_leaves_the_focus_where_its_visitor_has_turned(
    browser, server, turns
):
    server.add_page(
        "/late/", f"{HEAD}{TAG.format(BOT_ID, '')}<body><input id=search></body></html>"
    )
    page = browser.new_page(locale="en-GB")
    held: list[Route] = []
    page.route("**/chat.js*", lambda route: held.append(route))
    page.goto(server.url + "/late/")
    page.get_by_role("button", name="Open chat").click()
    wait_until(page, lambda: bool(held))
    if turns:
        page.locator("#search").focus()
    held[0].continue_()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("#search") if turns else page.get_by_label("Your question")).to_be_focused()
    page.close()


def test_what_is_called_waits_also_where_the_page_has_it_drawn_anew_meanwhile(page, server):
    page.evaluate(f"() => {{ {WIDGET}.send('plain Question'); {WIDGET}.setLanguage('de') }}")
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    expect(page.get_by_label("Ihre Frage")).to_be_visible()
    page.evaluate(f"() => {{ {WIDGET}.remove() }}")
    assert len(frames_of(server, "question")) == 1


def test_a_widget_that_is_moved_in_mid_answer_goes_on_where_it_was(browser, server):
    """As frameworks do that change pages without loading them."""
    server.add_page("/spa/", f"{HEAD}{TAG.format(BOT_ID, '')}<body><main></main></body></html>")
    for shown in open_page(browser, server.url + "/spa/"):
        shown.evaluate(WATCH_SHIFTS)
        open_widget(shown)
        ask(shown, "break Question")
        expect(last_answer(shown).locator(".body")).to_contain_text("Push filter cap")
        shown.get_by_label("Your question").fill("the next")
        shown.evaluate(f"document.querySelector('main').append({WIDGET})")
        expect(last_answer(shown).locator("button.mark")).to_have_count(2)
        expect(shown.get_by_role("dialog")).to_be_visible()
        expect(shown.get_by_label("Your question")).to_have_value("the next")
        expect(shown.locator(".message.user")).to_have_count(1)
        assert len(frames_of(server, "question")) == 1
        shown.evaluate(f"() => {{ const w = {WIDGET}; w.remove(); window.kept = w }}")
        assert shown.evaluate("kept.send('plain Question')") is False
        shown.evaluate("document.body.append(kept)")
        expect(shown.get_by_role("dialog")).to_be_visible()
        assert shown.evaluate("shifts") == []
        # Moved again and again, also while it connects: it neither hangs nor forgets.
        move = "() => { kept.send('plain Question'); kept.remove(); document.body.append(kept) }"
        for _ in range(3):
            shown.evaluate(move)
        # Once what was begun is answered.
        wait_until(shown, lambda: shown.evaluate("kept.send('plain last')"))
        expect(shown.locator(".message.user").last).to_have_text("You: plain last")
        expect(last_answer(shown).locator("button.mark")).to_have_count(2)


def test_who_comes_next_on_a_shared_computer_reads_nothing_of_who_was_there(browser, server):
    """What has no answer, is half written or listed is theirs who left; they find it again."""
    for name in ("ada", "nobody"):
        known = f' identity="{name}"' if name == "ada" else ""
        server.add_page(
            f"/{name}/",
            f'{HEAD}<script src="/static/minirag/widget.js" defer></script><body>'
            f'<minirag-widget bot-id="{BOT_ID}" placement="inline"{known}></minirag-widget></body></html>',
        )
    for seen in open_page(browser, server.url + "/ada/"):
        expect(seen.locator(".suggestions button")).to_have_count(2)
        ask(seen, "hold secret of Ada")
        wait_until(seen, lambda: len(frames_of(server, "question")) == 1)
        seen.goto(server.url + "/nobody/")
        expect(seen.locator(".suggestions button")).to_have_count(2)
        expect(seen.locator(".message.user")).to_have_count(0)
        assert seen.get_by_label("Your question").input_value() == ""
        seen.goto(server.url + "/ada/")
        expect(seen.locator(".message.user")).to_have_text("You: hold secret of Ada")
        # Or what is asked anew would wait for another release.
        wait_until(seen, lambda: len(frames_of(server, "question")) == 2)
        expect(last_answer(seen)).to_contain_text("Push filter")
        server.release()
        expect(last_answer(seen).locator(".thumbs")).to_be_visible()
        seen.get_by_role("button", name="Conversations").click()
        seen.evaluate(f"{WIDGET}.shadowRoot.querySelector('textarea').value = 'half a secret'")
        expect(seen.locator(".telling")).to_contain_text("Push filter")
        seen.evaluate(f"{WIDGET}.identify('')")
        expect(seen.locator(".telling")).to_be_empty()  # what a screen reader was told
        expect(seen.locator(".panel")).to_have_count(0)
        expect(seen.locator(".suggestions button")).to_have_count(2)
        expect(seen.get_by_label("Your question")).to_have_value("")
        # Asked anew under its id, by which the server goes on with what it has begun.
        assert len({frame["request_id"] for frame in frames_of(server, "question")}) == 1


def test_what_a_page_has_broken_of_the_browsers_memory_is_begun_anew(page, server):
    chat = '{"visitor_id": "visitor-0001", "chat_id": "none"}'
    for broken in (
        "5",
        '"x"',
        "[]",
        "{",
        '{"visitor_id": 12345678}',
        '{"visitor_id": "a b"}',
        chat,
    ):
        page.evaluate(f"broken => localStorage.setItem('minirag:{BOT_ID}', broken)", broken)
        page.reload()
        open_widget(page)
        assert len(server.sessions[-1]["visitor_id"]) == 36, broken


def test_a_screen_reader_hears_whole_sentences_while_the_answer_is_written_each_once(page, server):
    open_widget(page)
    told = page.locator(".telling")
    expect(told).to_have_attribute("aria-live", "polite")
    ask(page, "hold Question")
    expect(told).to_contain_text("Push filter cap AC-F02 onto the air inlet and wait 10 minutes")
    assert "Choose" not in told.inner_text()  # that sentence is not whole yet
    expect(last_answer(page).locator(".body")).to_have_attribute("aria-live", "off")
    server.release()
    expect(last_answer(page).locator("button.mark")).to_have_count(2)
    whole = told.inner_text()
    assert "Choose Calibration" in whole and "Remove the cap afterwards" in whole
    assert whole.count("Push filter cap") == 1
    assert "**" not in whole and "2." not in whole


def test_chinese_is_told_by_its_own_sentences(browser, server):
    server.add_page(
        "/zh/", f"{HEAD}{TAG.format(BOT_ID, '')}<body></body></html>".replace('"en"', '"zh"')
    )
    for shown in open_page(browser, server.url + "/zh/", locale="zh-CN"):
        shown.get_by_role("button", name="打开聊天").click()
        expect(shown.locator(".suggestions")).to_be_visible()
        said = shown.evaluate(
            """() => { const widget = document.querySelector("minirag-widget");
            const body = Object.assign(document.createElement("div"), { textContent: "请插上电源。等待十分钟。然后" });
            const turn = { told: 0, message: { body } };
            widget.tellSentences(turn, false);
            return [turn.told, widget.telling.textContent]; }"""
        )
        assert said == [2, "请插上电源。 等待十分钟。"]


def test_the_last_words_are_shown_where_drawing_is_slow_and_the_answer_pauses(page, server):
    open_widget(page)
    page.evaluate("""() => {
        const { segment } = Intl.Segmenter.prototype;
        Intl.Segmenter.prototype.segment = function (text) {
            for (const end = performance.now() + 200; performance.now() < end; );
            return segment.call(this, text);
        };
    }""")
    ask(page, "hold Question")
    expect(last_answer(page)).to_contain_text("Choos")
    assert len(frames_of(server, "question")) == 1  # not because it was asked anew
    server.release()
    expect(last_answer(page).locator("button.mark")).to_have_count(2)


def test_a_panel_that_is_still_fetched_does_not_open_for_who_comes_next(page, server):
    open_widget(page)
    held: list[Route] = []
    page.route("**/more.js*", lambda route: held.append(route))
    page.get_by_role("button", name="Conversations").click()
    wait_until(page, lambda: held)
    page.evaluate(f"{WIDGET}.identify('ada')")
    held[0].continue_()
    expect(page.locator(".suggestions button")).to_have_count(2)
    wait_until(page, lambda: page.evaluate(f"Boolean({WIDGET}.openPanel)"))
    expect(page.locator(".panel")).to_have_count(0)
