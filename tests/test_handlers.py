"""What comes before Django: the size of a body is bounded, and the API takes the short way."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from weakref import WeakSet

import pytest
from daphne.http_protocol import WebRequest
from django.conf import settings
from twisted.internet import tcp
from twisted.internet.testing import StringTransport

from minirag.serving import shared_port
from minirag.serving.daphne import StreamedRequest
from minirag.serving.handlers import HttpApp
from minirag.serving.shared_port import KnownChannel, count_connections, take_one_at_a_time


class Recorder:
    """An application that reads its whole body, answers 200 and remembers that it was asked."""

    def __init__(self) -> None:
        self.bodies: list[int] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message["body"])
            if not message.get("more_body"):
                break
        self.bodies.append(size)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def request(
    app: HttpApp, path: str, *pieces: int, headers=(), scheme="http", root_path=""
) -> list[dict[str, Any]]:
    """Send body pieces of these sizes; returns what the application sent."""
    sent: list[dict[str, Any]] = []
    queue = [
        {"type": "http.request", "body": b"x" * size, "more_body": number < len(pieces)}
        for number, size in enumerate(pieces, start=1)
    ]

    async def receive() -> dict[str, Any]:
        return queue.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "path": path,
        "root_path": root_path,
        "headers": list(headers),
        "scheme": scheme,
    }
    asyncio.run(app(scope, receive, send))
    return sent


@pytest.fixture
def app() -> HttpApp:
    return HttpApp(Recorder(), Recorder())


MB = 1024 * 1024


@pytest.mark.parametrize(
    ("path", "most"),
    [("/v1/chat", "1 MB"), ("/v1/nowhere", "1 MB"), ("/nowhere", "64 KB"), ("/admin/login/", "16 MB"),
     ("/v1/sources", "16 MB")],
)  # fmt: skip
def test_a_body_beyond_the_limit_is_a_413_before_anything_is_kept(app, path, most):
    for headers, pieces in (
        ((), (MB,) * 40),
        (((b"content-length", str(40 * MB).encode()),), (MB,)),
    ):
        start, body = request(app, path, *pieces, headers=headers)
        said = json.loads(body["body"])
        assert (start["status"], said["code"]) == (413, "body_too_large")
        assert said["detail"] == f"The request body is larger than {most}."
    assert app.pages.bodies == app.api.bodies == []


def test_an_upload_may_be_larger_so_that_its_view_can_say_what_is_wrong(app):
    assert request(app, "/v1/sources/upload", *(MB,) * 40)[0]["status"] == 200
    assert request(app, "/v1/sources/upload", *(MB,) * 80)[0]["status"] == 413


@pytest.mark.parametrize(
    ("path", "root_path", "lean"),
    [
        ("/v1/chat", "", True),
        ("/health", "", True),
        ("/t/acme/v1/chat", "/t/acme", True),
        ("/admin/", "", False),
        ("/t/acme/admin/", "/t/acme", False),
        ("/t/v1/admin/", "/t/v1", False),
    ],
)
def test_the_api_takes_the_short_way_on_every_host_and_path(app, path, root_path, lean):
    request(app, path, 1, root_path=root_path)
    assert (len(app.api.bodies), len(app.pages.bodies)) == ((1, 0) if lean else (0, 1))


def test_with_https_only_a_plain_request_is_redirected_and_a_secure_one_takes_the_short_way(
    app, monkeypatch
):
    monkeypatch.setattr(settings, "SECURE_SSL_REDIRECT", True)
    request(app, "/v1/chat", 1)
    request(app, "/v1/chat", 2, scheme="https")
    request(app, "/v1/chat", 3, headers=[(b"x-forwarded-proto", b"https")])
    assert (app.pages.bodies, app.api.bodies) == ([1, 3], [2])
    monkeypatch.setattr(settings, "TRUST_PROXY_HEADERS", True)
    request(app, "/v1/chat", 4, headers=[(b"x-forwarded-proto", b"https")])
    assert app.api.bodies == [2, 4]


def test_a_web_process_takes_one_connection_at_a_wake_up_however_many_wait():
    """Or one of several on a port gets a whole burst; Twisted would adapt the number by itself."""
    take_one_at_a_time()
    port = object.__new__(tcp.Port)
    port.numberAccepts = 100
    assert port.numberAccepts == 1


@pytest.mark.parametrize(("is_socket", "counted"), [(True, 0), (False, 1)])
def test_a_connection_that_became_a_socket_does_not_keep_a_process_that_leaves(
    monkeypatch, is_socket, counted
):
    """Its channel may outlive it for as long as nobody collects garbage."""
    monkeypatch.setattr(shared_port, "_open", WeakSet())
    channel = KnownChannel()
    channel.transport = StringTransport()
    channel.connectionMade()

    def process(request: Any) -> None:
        if is_socket:
            request.transport = None  # as Daphne hands it on

    monkeypatch.setattr(WebRequest, "process", process)
    request = object.__new__(StreamedRequest)
    request.channel, request.transport = channel, channel.transport
    request.process()
    assert count_connections() == counted
    channel.setTimeout(None)
