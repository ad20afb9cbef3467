"""The API as Daphne calls it: bodies in pieces, of unknown length, and broken off."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.test import override_settings

from bots.models import BotProfile
from conftest import Party
from minirag.asgi import application
from tenants.context import tenant_context
from tenants.models import BotAddress


async def call(
    method: str, path: str, pieces: list[bytes], headers: dict[str, str]
) -> tuple[int, dict, bytes]:
    """Send one request to the ASGI application and collect its answer."""
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "scheme": "http", "server": ("localhost", 8000), "client": ("127.0.0.1", 5), "root_path": "",
    }  # fmt: skip
    sent = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    sent.append({"type": "http.request", "body": b"", "more_body": False})
    answer: list[dict] = []

    async def receive() -> dict:
        if sent:
            return sent.pop(0)
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: dict) -> None:
        answer.append(message)

    await application(scope, receive, send)
    received = {name.decode().lower(): value.decode() for name, value in answer[0]["headers"]}
    return (
        answer[0]["status"],
        received,
        b"".join(message.get("body", b"") for message in answer[1:]),
    )


@pytest.fixture
def ask(acme, run_async):
    # Between requests Django closes its connections, and with them this test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)

    def send(method, path, pieces=(), **headers):
        plain = {name.replace("_", "-"): value for name, value in headers.items()}
        plain = {"host": "localhost", "authorization": f"Bearer {acme.raw_token}", **plain}
        return run_async(call, method, path, list(pieces), plain)

    yield send
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    # The application answers on threads of its own, outside of this test's transaction.
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(remove_bots, acme).result()


def remove_bots(party: Party) -> None:
    """Remove what was committed: the tenant is every test's."""
    try:
        with tenant_context(party.tenant):
            BotProfile.objects.all().delete()
        with tenant_context(None):
            BotAddress.objects.filter(tenant=party.tenant).delete()
    finally:
        connection.close()


def test_a_body_in_pieces_without_a_length_is_read_whole(ask):
    status, headers, body = ask(
        "POST",
        "/v1/bot-profiles",
        [b'{"na', b'me": "Zo\xc3', b'\xab"}'],
        content_type="application/json",
    )
    assert (status, json.loads(body)["name"]) == (201, "Zoë")
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("declared", [True, False])
def test_an_endless_body_is_413(ask, declared):
    pieces = [b'{"name": "', *[b"x" * 500] * 4, b'"}']
    length = {"content_length": str(sum(map(len, pieces)))} if declared else {}
    with override_settings(MAX_BODY_BYTES=1000, DATA_UPLOAD_MAX_MEMORY_SIZE=1000):
        status, _, body = ask(
            "POST", "/v1/bot-profiles", pieces, content_type="application/json", **length
        )
    assert (status, json.loads(body)["code"]) == (413, "body_too_large")


def test_an_upload_in_pieces_is_kept_whole(ask):
    _, _, made = ask(
        "POST", "/v1/bot-profiles", [b'{"name": "x"}'], content_type="application/json"
    )
    form = (
        b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nThe pump runs.\r\n'
        b'--cut\r\nContent-Disposition: form-data; name="bot_profile_id"\r\n\r\n'
        + json.loads(made)["id"].encode() + b"\r\n--cut--\r\n"
    )  # fmt: skip
    pieces = [form[start : start + 7] for start in range(0, len(form), 7)]
    status, _, body = ask(
        "POST", "/v1/sources/upload", pieces, content_type="multipart/form-data; boundary=cut",
        content_length=str(len(form)),
    )  # fmt: skip
    assert (status, json.loads(body)["config"]["file_size"]) == (201, 14)


def test_a_path_with_odd_bytes_is_a_client_error(ask):
    for path in (
        "/v1/bot-profiles/\0",
        "/v1/sources/é",
        "/v1/" + "x" * 5000,
        "/v1//sources",
        "/v1/sources//ingest",
    ):
        status, _, body = ask("GET", path)
        assert (status in (404, 422), "detail" in json.loads(body)) == (True, True), path


def test_an_odd_authorization_header_is_401(ask):
    for value in (
        "Bearer \xff\xfe",
        "Bearer  ",
        "bearer\tx",
        "Bearer " + "." * 100,
        "Bearer " + "x" * 60_000,
    ):
        status, headers, _ = ask("GET", "/v1/auth/me", authorization=value)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")


class Hops:
    """How often its block went from the event loop to a thread: each costs as much as a small view."""

    def __init__(self, monkeypatch):
        self.count, real = 0, asyncio.BaseEventLoop.run_in_executor

        def run_in_executor(loop, executor, function, *args):
            self.count += 1
            return real(loop, executor, function, *args)

        monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", run_in_executor)


@pytest.mark.parametrize("path", ["/v1/tenants/me", "/v1/sources", "/v1/chat"])
def test_a_read_goes_to_a_thread_once(ask, monkeypatch, path):
    assert ask("GET", path)[0] == 200  # the first one may find the proof of the connections missing
    hops = Hops(monkeypatch)
    status, headers, _ = ask("GET", path)
    assert (status, hops.count) == (200, 1)
    assert headers["x-content-type-options"] == "nosniff" and headers["x-request-id"]
    assert int(headers["x-ratelimit-remaining"]) > 0


def test_a_write_and_a_refusal_go_to_a_thread_once(ask, monkeypatch):
    hops = Hops(monkeypatch)
    sent = {"content_type": "application/json"}
    assert ask("POST", "/v1/bot-profiles", [b'{"name": "x"}'], **sent)[0] == 201
    assert ask("GET", "/v1/tenants/me", authorization="Bearer none")[0] == 401
    assert hops.count == 2
