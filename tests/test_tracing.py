"""A request, a turn, a task and an ingestion as spans of one trace, and nothing that was said in them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client

from conversations.tests.conftest import make_bot, teach
from knowledge.models import Source
from knowledge.tasks import ingest_source
from minirag.ai.credentials import Credentials
from minirag.ai.embeddings import embed_texts
from minirag.celery import app as celery_app
from minirag.lib.jobs.sending import publish
from minirag.lib.tracing import spans
from tenants.context import run_sync, tenant_context
from tests.fakes.chat_model import FakeChatModel
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.receiver import Receiver
from webhooks.delivering.attempts import pack

ROOT = Path(__file__).resolve().parent.parent
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
SAID = "my-mother-has-measles"


@pytest.fixture
def collector(monkeypatch) -> Iterator[Receiver]:
    with Receiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.base_url)
        yield from traced(monkeypatch, receiver)


def traced(monkeypatch, given) -> Iterator[Receiver]:
    spans._library.cache_clear()
    monkeypatch.setattr(spans, "IS_ON", True)
    yield given
    spans._library().provider.shutdown()
    spans._library.cache_clear()


def sent(collector: Receiver) -> list:
    spans.send_rest()
    return collector.spans()


def test_a_turn_is_one_trace_from_who_asked_to_its_end_and_says_nothing_that_was_said(
    acme, in_acme, monkeypatch, collector
):
    model, bot = FakeChatModel().take_over(monkeypatch), make_bot()
    teach(bot, "# Warranty\n\nThe Aeris One has a warranty of 36 months.")
    model.enqueue(f"It lasts 36 months {SAID} [1].")
    answer = Client(**acme.bearer).post(
        "/v1/chat",
        {"bot_profile_id": str(bot.pk), "message": "How many months of warranty does the Aeris One have?"},
        content_type="application/json", HTTP_TRACEPARENT=TRACEPARENT,
    )  # fmt: skip
    assert answer.status_code == 200 and answer["X-Trace-ID"] == TRACE
    found = {each.name: each for each in sent(collector)}
    request, turn = found["POST v1/chat"], found["turn"]
    assert (request.trace, request.parent, request.service) == (TRACE, PARENT, "minirag")
    assert (turn.trace, turn.parent) == (TRACE, request.id)
    assert request.facts["http.response.status_code"] == 200
    assert turn.facts["minirag.tenant"] == request.facts["minirag.tenant"] == acme.slug
    assert turn.facts["minirag.outcome"] == "answered"
    stages = [each.name for each in found.values() if each.parent == turn.id]
    assert stages == [
        "open",
        "understand",
        "guard",
        "condense",
        "retrieve",
        "ground",
        "model",
        "cite",
        "close",
    ]
    raw = collector.raw()
    assert (
        SAID.encode() not in raw and acme.raw_token.encode() not in raw and b"warranty" not in raw
    )


def test_an_ingestion_goes_on_with_the_trace_of_whoever_asked_for_it_and_tells_its_stages(
    in_acme, acme, collector, monkeypatch
):
    source = teach(make_bot(), f"# Parcels\n\nThey are accepted until 17:45. {SAID}")
    Source.objects.filter(pk=source.pk).put_in_queue(content=f"Something else. {SAID}")
    message = {}
    monkeypatch.setattr(
        celery_app, "send_task", lambda name, arguments, *_, **options: message.update(options)
    )
    with spans.span("upload"):
        asked = spans.current_trace_id()
        publish(ingest_source, str(source.pk))
    with tenant_context(None):
        done = ingest_source.apply([str(source.pk)], headers=message["headers"])
    assert done.state == "SUCCESS"
    found = {each.name: each for each in sent(collector) if each.trace == asked}
    task, ingestion = found["knowledge.tasks.ingest_source"], found["ingest"]
    assert task.parent == found["upload"].id and ingestion.parent == task.id
    assert task.facts["minirag.tenant"] == acme.slug
    below = {each.name for each in found.values() if each.parent == ingestion.id}
    assert below == {"load", "parse", "chunk", "embed", "swap"}
    assert SAID.encode() not in collector.raw()


def packed() -> dict[str, str]:
    now = datetime.now(UTC)
    url = "https://a.test"
    return dict(pack(uuid4(), url=url, event_type="x", body=b"{}", secrets=(), now=now).headers)


def test_who_we_ask_and_whom_we_tell_can_go_on_with_the_trace(collector, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with FakeOpenAI() as provider, spans.span("turn"):
        trace, key = spans.current_trace_id(), Credentials("k", provider.base_url)
        embed_texts("openai/embed-8", ["a"], kind="query", credentials=key)
        told = packed()
    assert provider.requests[-1].headers["traceparent"].split("-")[1] == trace
    assert told["traceparent"].split("-")[1] == trace
    assert "traceparent" not in packed()


def test_a_span_follows_into_threads_and_tasks_and_a_failure_tells_its_kind_only(collector):
    async def work() -> tuple[str, str, str]:
        async def aside() -> str:
            return spans.current_trace_id()

        with spans.span("work"):
            in_thread = await run_sync(spans.current_trace_id)
            return in_thread, await asyncio.create_task(aside()), spans.current_trace_id()

    ids = asyncio.run(work())
    assert len(set(ids)) == 1 and ids[0]
    with pytest.raises(ValueError), spans.span("broken"):
        raise ValueError(SAID)
    broken = next(each for each in sent(collector) if each.name == "broken")
    assert broken.has_failed and broken.facts == {"error.type": "ValueError"}
    assert SAID.encode() not in collector.raw()


def test_a_collector_that_is_away_costs_nobody_time_and_a_span_says_only_what_it_may(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    for _ in traced(monkeypatch, None):
        spans.prepare()
        started = time.perf_counter()
        for _ in range(5000):
            with spans.span("turn", tenant="acme"):
                pass
        assert time.perf_counter() - started < 5
        started = time.perf_counter()
        spans.send_rest()
        assert time.perf_counter() - started < spans._LEAVING_SECONDS + 5
        with pytest.raises(KeyError):
            spans.span("turn", message=SAID)


def test_without_a_collector_there_is_no_span_but_the_id_that_was_sent_is_in_answer_and_log(
    acme, caplog
):
    answer = Client().get("/v1/nowhere", HTTP_TRACEPARENT=TRACEPARENT)
    assert answer["X-Trace-ID"] == TRACE
    assert f"'trace_id': '{TRACE}'" in caplog.text
    for sent_id in ("", "00-" + "0" * 32 + f"-{PARENT}-01", "x" * 200):
        assert "X-Trace-ID" not in Client().get("/v1/nowhere", HTTP_TRACEPARENT=sent_id)


def test_without_a_collector_and_a_dsn_neither_library_is_loaded():
    script = (
        "import sys, minirag.asgi\n"
        "sys.exit('opentelemetry.exporter' in sys.modules or 'opentelemetry.sdk.trace' in sys.modules"
        " or 'sentry_sdk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=600).returncode == 0
