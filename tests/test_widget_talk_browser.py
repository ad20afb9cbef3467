"""What a visitor can do beside asking: earlier conversations, opinions, a file, another wording; and plain words."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.test_architecture import ROOT
from tests.test_widget_browser import (
    ask,
    browser,
    frames_of,
    last_answer,
    open_widget,
    page,
    server,
)
from widget.build import read_words

__all__ = ["browser", "page", "server"]
pytestmark = pytest.mark.browser
PANEL = "Your conversations"


def codes_of_the_product() -> list[str]:
    """Each error code that the documentation names, and one that nobody has thought of."""
    text = (ROOT / "docs" / "api.md").read_text().split("## Error codes", 1)[1].split("\n## ", 1)[0]
    return [*sorted(set(re.findall(r"`([a-z_]+)`", text))), "another_one"]


def test_no_code_shows_a_visitor_what_is_said_to_operators(page):
    open_widget(page)
    codes = codes_of_the_product()
    assert len(codes) > 50 and "provider_authentication" in codes
    told = page.evaluate(
        """codes => codes.map(code => {
          const widget = document.querySelector('minirag-widget');
          const detail = `OPERATOR: the key of ${code} was rejected`;
          widget.showFailure(Object.assign(new Error(detail), { code, detail }), () => {});
          return widget.log.lastChild.textContent;
        })""",
        codes,
    )
    words = set(filter(lambda text: isinstance(text, str), read_words("en").values()))
    for code, text in zip(codes, told, strict=True):
        assert text in words and "OPERATOR" not in text, code
        assert text.endswith("."), "a sentence"


def open_panel(page: Page):
    page.get_by_role("button", name=PANEL).click()
    panel = page.get_by_role("dialog", name=PANEL)
    expect(panel).to_be_visible()
    return panel


def test_earlier_conversations_are_listed_opened_and_deleted(page, server):
    open_widget(page)
    ask(page, "plain first")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    ask(page, "plain second")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    panel = open_panel(page)
    expect(panel.get_by_role("listitem")).to_have_count(2)
    expect(panel.locator("[aria-current=true]")).to_contain_text("plain second")
    panel.get_by_role("button", name="plain first", exact=False).first.click()
    expect(page.locator(".message.user")).to_have_text("You: plain first")
    expect(panel).to_have_count(0)
    panel = open_panel(page)
    panel.get_by_role("button", name="Delete: plain second").click()
    assert frames_of(server, "forget_chat") == []
    panel.get_by_role("button", name="Delete for good? plain second").click()
    expect(panel.get_by_role("listitem")).to_have_count(1)
    assert len(server.chats) == 1
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(page.get_by_role("button", name=PANEL)).to_be_focused()
    expect(page.locator(".message.user")).to_have_text("You: plain first")


def test_a_conversation_that_was_left_goes_on_and_can_be_deleted(page, server):
    open_widget(page)
    ask(page, "plain first")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    for _ in range(2):
        page.get_by_role("button", name="New conversation").click()
        panel = open_panel(page)
        panel.get_by_role("button", name="plain first", exact=False).first.click()
        expect(page.locator(".message.user").first).to_contain_text("plain first")
        ask(page, "plain once more")
        expect(last_answer(page).locator(".thumbs")).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    panel = open_panel(page)
    panel.get_by_role("button", name="Delete: plain first").click()
    panel.get_by_role("button", name="Delete for good? plain first").click()
    expect(panel.get_by_text("plain first")).to_have_count(0)
    assert server.chats == {}


def test_what_one_visitor_has_asked_is_not_shown_to_the_next(page):
    open_widget(page)
    ask(page, "plain first")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    panel = open_panel(page)
    expect(panel.get_by_role("listitem")).to_have_count(1)
    widget = page.locator("minirag-widget")
    widget.evaluate("widget => widget.identify('another')")
    expect(panel).to_have_count(0)
    open_panel(page)
    widget.evaluate("widget => widget.reset({forget: true})")
    expect(panel).to_have_count(0)
    open_panel(page)


def test_a_conversation_is_saved_as_a_file(page):
    open_widget(page)
    ask(page, "plain first")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    panel = open_panel(page)
    with page.expect_download() as download:
        panel.get_by_role("button", name="Save this conversation as a file").click()
    text = download.value.path().read_text()
    for said in (
        "You:\nplain first",
        "Breva Assistant:\nPush filter cap AC-F02",
        "https://docs.example/handbook",
    ):
        assert said in text, text


def test_an_opinion_has_reasons_and_words(page, server):
    open_widget(page)
    ask(page, "plain first")
    page.get_by_role("button", name="Not helpful").click()
    form = page.get_by_role("form", name="What was wrong?")
    form.get_by_label("Not complete").check()
    form.get_by_label("In your own words (optional)").fill("The price is missing.")
    form.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you for telling us.")).to_be_visible()
    assert server.feedback[-1]["reason"] == "Not complete: The price is missing."
    assert server.feedback[-1]["feedback"] == "negative"


def test_an_opinion_is_thanked_for_once_it_is_saved(page, server):
    open_widget(page)
    ask(page, "plain first")
    good = page.get_by_role("button", name="Helpful", exact=True)
    server.refuses_feedback = ["session_expired"]
    good.click()
    form = page.get_by_role("form", name="What was good?")
    expect(form).to_be_visible()
    assert len(server.sessions) == 2 and server.feedback[-1]["feedback"] == "positive"
    server.refuses_feedback = ["maintenance"]
    form.get_by_label("In your own words (optional)").fill("Short.")
    form.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_text("Thank you for telling us.")).to_have_count(0)
    page.get_by_role("alert").get_by_role("button").click()
    expect(page.get_by_text("Thank you for telling us.")).to_be_focused()
    assert server.feedback[-1]["reason"] == "Short."
    server.refuses_feedback = ["maintenance"]
    good.click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(good).to_have_attribute("aria-pressed", "true")


def test_the_last_question_can_be_asked_in_other_words(page):
    open_widget(page)
    ask(page, "plain first")
    expect(last_answer(page).locator(".thumbs")).to_be_visible()
    page.get_by_role("button", name="Change the question and ask again").click()
    expect(page.get_by_label("Your question")).to_have_value("plain first")
    expect(page.get_by_label("Your question")).to_be_focused()


def test_escape_goes_back_from_a_passage_to_its_number_and_then_closes(page):
    open_widget(page)
    ask(page, "plain first")
    mark = page.get_by_role("button", name="Source 1: Product handbook")
    mark.press("Enter")
    expect(page.get_by_text("until it seats, and wait 10 minutes")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("until it seats, and wait 10 minutes")).to_be_hidden()
    expect(mark).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_what_was_said_meanwhile_is_counted_on_the_bubble(page, server):
    open_widget(page)
    ask(page, "hold first")
    expect(last_answer(page)).to_contain_text("Push filter")
    page.locator("button.close").click()
    server.release()
    bubble = page.get_by_role("button", name="Open chat, 1 new message")
    expect(bubble).to_be_visible()
    bubble.click()
    expect(page.locator(".bubble")).not_to_have_class(re.compile("news"))
