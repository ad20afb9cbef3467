"""The client's `X-Request-ID`, or one that is made, is on whatever comes back and in whatever is written down."""

from __future__ import annotations

import asyncio
import io
import json
import logging

import pytest
import structlog
from celery import shared_task
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import AsyncClient, Client

from conversations.models import Message
from conversations.tests.conftest import make_bot
from minirag.asgi import application
from minirag.celery import app as celery_app
from minirag.lib.http_in.request_ids import choose_request_id, current_request_id, request_id_bound
from minirag.logs import make_formatter
from tenants.context import tenant_context
from tenants.tasks import REQUEST_HEADER, TenantTask

ID = "Root=1-67891233:abc/def"
JSON = "application/json"


@pytest.mark.parametrize("sane", ["a", "x" * 64, ID, "4bf92f3577b34da6a3ce929d0e0e4736", "~!@#"])
def test_a_sane_id_is_taken(sane):
    assert choose_request_id(sane) == sane


@pytest.mark.parametrize("odd", ["", "x" * 65, "a b", "a\nb", "ü", "\0", "a\r\nX-Evil: 1", " a"])
def test_an_odd_id_is_replaced(odd):
    assert len(choose_request_id(odd)) == 32 and choose_request_id(odd) != choose_request_id(odd)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/bot-profiles", 200), ("GET", "/v1/bot-profiles/x", 422), ("GET", "/v1/nothing", 404),
        ("GET", "/nothing", 404), ("PUT", "/v1/bot-profiles", 405), ("GET", "/v1/bot-profiles/", 307),
        ("GET", "/docs", 302), ("OPTIONS", "/v1/bot-profiles", 200), ("GET", "/health", 200), ("GET", "/admin/", 302),
        ("GET", "/v1/openapi.json", 200), ("GET", "/v1/docs", 200), ("POST", "/v1/bot-profiles", 422),
        ("DELETE", "/v1/api-tokens/1d000000-0000-4000-8000-000000000001", 404),
    ],
)  # fmt: skip
def test_every_answer_has_the_id(as_acme, method, path, status):
    headers = {"x-request-id": ID, "origin": "https://shop.example"}
    if method == "OPTIONS":
        headers["access-control-request-method"] = "POST"
    response = as_acme.generic(method, path, headers=headers)
    assert (response.status_code, response["X-Request-ID"]) == (status, ID)
    if response.headers.get("Content-Type") == JSON and status >= 400:
        assert response.json()["request_id"] == ID


@pytest.mark.parametrize(
    "facts", [{"HTTP_AUTHORIZATION": "Bearer x"}, {"SCRIPT_NAME": "/t/nobody"}, {}]
)
def test_a_refusal_at_the_edge_has_it_too(db, facts):
    response = Client().get("/v1/bot-profiles", headers={"x-request-id": ID}, **facts)
    assert response.status_code in (401, 404)
    assert set(response.json()) == {"detail", "code", "request_id", "retryable"}
    assert response["X-Request-ID"] == response.json()["request_id"] == ID


def test_a_host_that_is_not_served_is_told_so_with_it(db, settings):
    settings.PLATFORM_HOSTS = ["localhost"]
    response = Client().get(
        "/v1/bot-profiles", headers={"x-request-id": ID}, HTTP_HOST="elsewhere.example"
    )
    assert (response.status_code, response.json()["code"]) == (400, "host_unknown")
    assert response["X-Request-ID"] == response.json()["request_id"] == ID


# --- before Django ------------------------------------------------------------------------------------------------
def send_raw(query: bytes, *pieces: bytes) -> tuple[int, dict[str, str], dict[str, object]]:
    """Send a request to the ASGI application as a server would, whatever bytes it has."""
    sent = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    sent.append({"type": "http.request", "body": b"", "more_body": False})
    answer: list[dict] = []
    headers = [(b"host", b"localhost"), (b"x-request-id", ID.encode())]
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/v1/chat", "raw_path": b"/v1/chat",
        "query_string": query, "headers": headers, "scheme": "http", "server": ("localhost", 80),
        "client": ("127.0.0.1", 5), "root_path": "",
    }  # fmt: skip

    async def receive() -> dict:
        return sent.pop(0) if sent else await asyncio.Event().wait()

    async def send(message: dict) -> None:
        answer.append(message)

    asyncio.run(application(scope, receive, send))
    received = {name.decode().lower(): value.decode() for name, value in answer[0]["headers"]}
    return (
        answer[0]["status"],
        received,
        json.loads(b"".join(each.get("body", b"") for each in answer[1:])),
    )


def test_a_query_that_is_no_text_is_400_in_the_contracts_shape(db):
    for signal in (
        request_started,
        request_finished,
    ):  # they close connections, and end this test's transaction
        signal.disconnect(close_old_connections)
    status, headers, body = send_raw(b"x=\xff\xfe")
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    assert (status, body["code"], body["request_id"], headers["x-request-id"]) == (
        400,
        "bad_request",
        ID,
        ID,
    )


def test_a_body_without_end_is_413_in_the_contracts_shape(settings):
    settings.MAX_BODY_BYTES = 1000
    status, headers, body = send_raw(b"", b"x" * 800, b"x" * 800)
    assert (status, body["code"], body["request_id"], headers["x-request-id"]) == (
        413,
        "body_too_large",
        ID,
        ID,
    )


# --- written down -------------------------------------------------------------------------------------------------
def test_a_stream_its_messages_and_its_log_lines_have_it(acme, run_async, monkeypatch):
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(make_formatter("json"))
    logging.getLogger().addHandler(handler)
    with tenant_context(acme.tenant):
        bot = make_bot(model="minirag/extractive")

    async def ask():
        body = json.dumps({"bot_profile_id": str(bot.pk), "message": "Who?", "stream": True})
        headers = {"authorization": acme.bearer["HTTP_AUTHORIZATION"], "x-request-id": ID}
        response = await AsyncClient().generic(
            "POST", "/v1/chat", body, content_type=JSON, headers=headers
        )
        return response, b"".join([part async for part in response.streaming_content])

    try:
        response, said = run_async(ask)
    finally:
        logging.getLogger().removeHandler(handler)
    assert response["X-Request-ID"] == ID and b"event: done" in said
    with tenant_context(acme.tenant):
        assert set(Message.objects.values_list("request_id", flat=True)) == {ID}
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["request_id"] for line in lines if line["event"] == "request"] == [ID]


@shared_task(base=TenantTask, name="tests.tell_request_id")
def tell_request_id() -> str:
    return current_request_id()


def test_a_task_that_a_request_sends_carries_its_id_and_binds_it(acme, monkeypatch):
    sent = {}
    monkeypatch.setattr(
        celery_app, "send_task", lambda name, *args, **options: sent.update(options)
    )
    structlog.contextvars.clear_contextvars()
    with tenant_context(acme.tenant):
        with request_id_bound(ID):
            tell_request_id.apply_async()
        assert sent["headers"][REQUEST_HEADER] == ID
        assert tell_request_id.apply(headers=sent["headers"]).get() == ID
        assert current_request_id() == ""
