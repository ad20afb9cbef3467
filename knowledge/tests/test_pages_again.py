"""Looking at a page again: it is gone, it has not changed, it comes back."""

from __future__ import annotations

import pytest
from django.utils import timezone

from bots.quotas.models import SharedStorage
from knowledge import tasks
from knowledge.models import Chunk, Document, Source
from knowledge.tests.conftest import make_source, run
from minirag.lib.tests.conftest import outside  # noqa: F401 - a fixture
from webhooks.event_types import EventType
from webhooks.models import Delivery, Webhook

pytestmark = pytest.mark.usefixtures("no_worker")

PAGE = b"<html><title>Aeris</title><body><p>Every Aeris drone has a warranty of 36 months.</p></body></html>"


@pytest.fixture(autouse=True)
def hook(in_acme) -> Webhook:
    return Webhook.objects.create(
        url="https://hooks.example.com/", events=[event.value for event in EventType]
    )


@pytest.fixture
def page(bot, outside, settings) -> Source:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    outside.serve(
        "/page", PAGE, content_type="text/html", etag='"one"',
        last_modified="Sat, 28 Nov 2026 10:00:00 GMT",
    )  # fmt: skip
    source = run(make_source(bot, None, source_type="url", config={"url": outside.url("/page")}))
    assert source.status == "ready" and source.last_modified
    Delivery.objects.all().delete()
    return source


def events() -> list[str]:
    return list(Delivery.objects.order_by("created_at").values_list("event_type", flat=True))


def answers() -> bool:
    return Chunk.objects.exists() or Document.objects.exists()


# --- Gone ---------------------------------------------------------------------------------------------------------


def test_a_page_that_is_gone_for_good_answers_no_more(page, outside):
    outside.serve("/page", status=410)
    run(page)
    assert (page.status, page.error_code, page.chunk_count) == ("error", "page_gone", 0)
    assert not answers() and page.stored_bytes == 0 and page.next_refresh_at is None
    assert "not used any more" in page.error_message and events() == ["source.failed"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404},
        # It says so with status 200, which is no knowledge either.
        {
            "body": b"<title>Page not found | Aeris</title><h1>Oops</h1><p>Sorry, that is not here.</p>",
            "etag": '"two"',
        },
    ],
)
def test_a_page_that_is_not_found_is_believed_to_be_gone_the_third_time(page, outside, answer):
    outside.serve("/page", **{"body": b"", "content_type": "text/html", **answer})
    for times in (1, 2):
        run(page)
        assert page.status == "error" and answers() and page.times_gone == times
        Source.objects.update(next_refresh_at=timezone.now())
        assert tasks.refresh_due() == 1, "it is looked at again though nobody has scheduled it"
    run(page)
    assert page.status == "error" and not answers()
    assert page.next_refresh_at is None


@pytest.mark.parametrize("status", [500, 503, 403])
def test_what_is_no_word_of_the_pages_end_leaves_its_knowledge_and_starts_the_count_again(
    page, outside, status
):
    for answer in (404, 404, status, 404, 404, status):
        outside.serve("/page", status=answer)
        run(page)
        assert page.status == "error" and answers()


def test_asking_by_hand_starts_the_count_again(page, outside):
    outside.serve("/page", status=404)
    run(page)
    run(page)
    tasks.queue_ingestion(page)
    run(page)
    assert answers() and page.times_gone == 1


def test_a_page_on_a_schedule_comes_back_with_all_it_says(page, outside):
    Source.objects.update(refresh_schedule="hourly")
    outside.serve("/page", status=410)
    run(page)
    assert not answers() and page.next_refresh_at > timezone.now()
    outside.serve("/page", PAGE, content_type="text/html")
    assert run(page).status == "ready" and page.chunk_count == 1 and page.times_gone == 0
    assert page.stored_bytes > 0


def test_a_source_that_never_said_anything_is_not_tried_again_unasked(bot, outside, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    address = outside.serve("/nothing", status=404)
    source = run(make_source(bot, None, source_type="url", config={"url": address}))
    assert source.status == "error" and source.next_refresh_at is None


def test_room_that_a_gone_page_took_is_free_again(page, outside, bot):
    bot.refresh_from_db()
    before = bot.stored_bytes
    outside.serve("/page", status=410)
    run(page)
    bot.refresh_from_db()
    assert before > 0 and bot.stored_bytes == 0
    assert SharedStorage.objects.filter(stored_bytes__lt=0).count() == 0


# --- Not changed --------------------------------------------------------------------------------------------------


def not_modified(**headers):
    def answer(handler):
        handler.send_response(304)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return answer


def test_a_page_that_has_not_changed_is_no_event(page, outside):
    outside.routes["/page"] = not_modified()
    assert run(page).status == "ready" and events() == []


def test_a_page_that_says_the_same_again_is_no_event(page, outside):
    outside.serve("/page", PAGE, content_type="text/html")
    assert run(page).status == "ready" and events() == []


def test_a_page_that_has_changed_is_one(page, outside):
    outside.serve("/page", PAGE.replace(b"36", b"48"), content_type="text/html")
    assert run(page).status == "ready" and events() == ["source.ingested"]


@pytest.mark.parametrize(
    "headers", [{}, {"ETag": '"two"'}, {"Last_Modified": "Sun, 29 Nov 2026 10:00:00 GMT"}]
)
def test_what_a_304_does_not_repeat_is_kept(page, outside, headers):
    outside.routes["/page"] = not_modified(**headers)
    run(page)
    assert page.etag == headers.get("ETag", '"one"')
    assert page.last_modified == headers.get("Last_Modified", "Sat, 28 Nov 2026 10:00:00 GMT")
    run(page)
    assert outside.seen[-1][2]["if-modified-since"] == page.last_modified


# --- Nothing to read ----------------------------------------------------------------------------------------------


def test_a_page_that_is_all_script_says_so_and_leaves_what_it_said(page, outside):
    outside.serve(
        "/page",
        b"<title>App</title><div id=root></div><script src=/a.js></script>",
        content_type="text/html",
    )
    run(page)
    assert (page.status, page.error_code) == ("error", "only_script") and answers()
    assert "only by script" in page.error_message
