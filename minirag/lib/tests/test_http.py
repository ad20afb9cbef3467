from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import time
import tracemalloc
import zlib

import httpx
import pytest

from minirag.ai.tests.scripted_server import ScriptedServer
from minirag.lib.http_out.asynchronous import AsyncTransport
from minirag.lib.http_out.client import OutboundError, fetch, post_async, post_json
from minirag.lib.http_out.network import resolve_host

OPEN = frozenset({"127.0.0.1"})
HOSTILE_HOSTS = """
127.0.0.1 localhost 2130706433 0x7f.1 0177.0.0.1 [::1] [::ffff:127.0.0.1] 169.254.169.254 10.0.0.1
100.64.0.1 [64:ff9b::7f00:1] [2002:7f00:1::] 0.0.0.0 [fd00::1] 192.0.0.192 198.18.0.1 224.0.0.1
127.1 127.0.0.1. [::] 0 [fe80::1%25lo] LOCALHOST a.localhost 0x7f000001 017700000001
"""


@pytest.fixture
def get():
    return fetch


def error_of(get, url, **options):
    with pytest.raises(OutboundError) as caught:
        get(url, **options)
    return caught.value


# --- documents ------------------------------------------------------------------------------------


def test_a_document_arrives_with_its_type_charset_and_validators(get, outside):
    url = outside.serve(
        "/a?b=c",
        "Grüße".encode(),
        content_type='Text/HTML; charset="UTF-8"',
        etag='"v1"',
        last_modified="Sat, 21 Nov 2026 00:00:00 GMT",
    )
    page = get(url, allowed_hosts=OPEN)
    assert (page.url, page.status, page.body) == (url, 200, "Grüße".encode())
    assert (page.content_type, page.charset) == ("text/html", "utf-8")
    assert (page.etag, page.last_modified) == ('"v1"', "Sat, 21 Nov 2026 00:00:00 GMT")
    assert not page.not_modified
    method, path, headers, _ = outside.seen[0]
    assert (method, path, headers["host"]) == ("GET", "/a?b=c", f"127.0.0.1:{outside.port}")
    assert headers["user-agent"] == "MiniRAG/2.0"


def test_validators_are_sent_and_an_unchanged_document_has_no_body(get, outside):
    url = outside.serve("/", status=304, etag='"v1"')
    page = get(url, etag='"v1"', last_modified="Sat, 21 Nov 2026 00:00:00 GMT", allowed_hosts=OPEN)
    assert page.not_modified
    assert page.body == b""
    headers = outside.seen[0][2]
    assert headers["if-none-match"] == '"v1"'
    assert headers["if-modified-since"] == "Sat, 21 Nov 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("gzip", lambda text: gzip.compress(text[:100]) + gzip.compress(text[100:])),
        ("deflate", zlib.compress),
        ("deflate", lambda text: zlib.compress(text)[2:-4]),
    ],
    ids=["gzip", "gzip in two members", "zlib", "raw deflate"],
)
def test_compressed_documents_are_decoded(get, outside, encoding, compress):
    text = b"The drum turns at 52 rpm. " * 400
    url = outside.serve("/", compress(text), content_encoding=encoding)
    assert get(url, allowed_hosts=OPEN).body == text


@pytest.mark.parametrize(
    ("status", "retryable"), [(404, False), (403, False), (429, True), (500, True), (503, True)]
)
def test_a_failure_status_is_an_error_that_says_whether_to_try_again(
    get, outside, status, retryable
):
    error = error_of(get, outside.serve("/", b"no", status=status), allowed_hosts=OPEN)
    assert (error.code, error.upstream_status, error.retryable) == (
        "http_status",
        status,
        retryable,
    )
    assert str(status) in error.reason


def test_proxy_settings_of_the_environment_are_ignored(get, outside, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert get(outside.serve("/", b"direct"), allowed_hosts=OPEN).body == b"direct"


# --- hostile targets ------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTILE_HOSTS.split())
def test_no_spelling_of_a_private_address_reaches_it(get, outside, host):
    error = error_of(get, f"http://{host}:{outside.port}/")
    assert error.code in {"address_refused", "url_invalid"}
    assert outside.seen == []


def test_a_public_name_with_a_private_address_is_refused(get, inside):
    error = error_of(
        get, inside.url(host="evil.example"), resolver=lambda host, port: ["127.0.0.2"]
    )
    assert error.code == "address_refused"
    assert "127.0.0.2" not in error.reason
    assert inside.seen == []


def test_a_name_that_changes_its_mind_after_the_check_gains_nothing(get, outside, inside):
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    lookups = []

    def rebind(host, port):
        lookups.append(host)
        return next(answers)

    outside.serve("/", b"vetted")
    page = get(outside.url(host="rebind.example"), resolver=rebind, allowed_hosts=OPEN)
    assert page.body == b"vetted"
    assert lookups == ["rebind.example"]
    assert outside.seen[0][2]["host"] == f"rebind.example:{outside.port}"
    assert inside.seen == []


def test_the_next_address_is_tried_when_the_first_does_not_answer(get, outside):
    outside.serve("/", b"second")
    both = frozenset({"127.0.0.1", "127.0.0.3"})
    page = get(
        outside.url(host="two.example"),
        resolver=lambda *_: ["127.0.0.3", "127.0.0.1"],
        allowed_hosts=both,
    )
    assert page.body == b"second"


def test_an_unknown_name_is_a_retryable_look_up_failure(get):
    def resolver(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    error = error_of(get, "http://nowhere.example/", resolver=resolver)
    assert (error.code, error.retryable) == ("dns_failed", True)


def test_a_closed_port_is_a_retryable_connection_failure(get):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    error = error_of(get, f"http://127.0.0.1:{port}/", allowed_hosts=OPEN)
    assert (error.code, error.retryable) == ("connect_failed", True)


def test_a_server_that_does_not_speak_tls_is_a_connection_failure(get, outside):
    error = error_of(
        get, f"https://127.0.0.1:{outside.port}/", allowed_hosts=OPEN, timeout_seconds=3
    )
    assert error.code in {"connect_failed", "timeout"}


# --- redirects ------------------------------------------------------------------------------------


def test_redirects_are_followed_and_the_last_url_is_reported(get, outside):
    outside.serve("/start", status=302, location="/middle#part")
    outside.serve("/middle", status=308, location=outside.url("/end"))
    url = outside.serve("/end", b"here")
    page = get(outside.url("/start"), allowed_hosts=OPEN)
    assert (page.url, page.body) == (url, b"here")


@pytest.mark.parametrize(
    "target", ["http://127.0.0.2:{port}/", "//127.0.0.2:{port}/", "http://2130706434:{port}/"]
)
def test_a_redirect_to_a_private_address_is_refused(get, outside, inside, target):
    url = outside.serve("/", status=302, location=target.format(port=inside.port))
    assert error_of(get, url, allowed_hosts=OPEN).code == "address_refused"
    assert inside.seen == []


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("file:///etc/passwd", "url_scheme"),
        ("http://u:p@127.0.0.1/", "url_invalid"),
        ("", "bad_response"),
    ],
)
def test_a_redirect_is_vetted_like_a_first_url(get, outside, target, code):
    assert (
        error_of(get, outside.serve("/", status=301, location=target), allowed_hosts=OPEN).code
        == code
    )


def test_a_redirect_loop_is_named(get, outside):
    outside.serve("/a", status=302, location="/b")
    url = outside.serve("/b", status=302, location="/a")
    error = error_of(get, url, allowed_hosts=OPEN)
    assert (error.code, error.reason) == ("too_many_redirects", "The page redirects in a circle.")


def test_five_redirects_are_followed_and_six_are_too_many(get, outside):
    for step in range(6):
        outside.serve(f"/{step}", status=302, location=f"/{step + 1}")
    outside.serve("/6", b"end")
    assert get(outside.url("/1"), allowed_hosts=OPEN).body == b"end"
    assert error_of(get, outside.url("/0"), allowed_hosts=OPEN).code == "too_many_redirects"


# --- size and time --------------------------------------------------------------------------------


def test_a_body_of_exactly_the_cap_is_accepted_and_one_byte_more_is_not(get, outside):
    url = outside.serve("/", b"x" * 1000)
    assert len(get(url, max_bytes=1000, allowed_hosts=OPEN).body) == 1000
    assert error_of(get, url, max_bytes=999, allowed_hosts=OPEN).code == "too_large"


def test_an_endless_body_without_a_length_stops_at_the_cap(get, outside):
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)
            sent.append(65536)

    outside.routes["/"] = endless
    error = error_of(get, outside.url(), max_bytes=2**20, allowed_hosts=OPEN)
    assert (error.code, error.reason) == ("too_large", "The answer is larger than 1 MB.")
    assert sum(sent) < 40 * 2**20


def test_a_compressed_bomb_is_stopped_at_the_cap_of_its_decoded_size(get, outside):
    bomb = gzip.compress(bytes(200 * 2**20), 9)
    url = outside.serve("/", bomb, content_encoding="gzip")
    tracemalloc.start()
    try:
        assert error_of(get, url, max_bytes=2**20, allowed_hosts=OPEN).code == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()


def test_a_compressed_body_that_decodes_to_nothing_is_bounded_too(get, outside):
    url = outside.serve("/", gzip.compress(b"") * 20_000, content_encoding="gzip")
    assert error_of(get, url, max_bytes=1000, allowed_hosts=OPEN).code == "too_large"


@pytest.mark.parametrize("damage", [lambda body: body[:-20], lambda body: b"no gzip at all"])
def test_a_damaged_compressed_body_is_an_error_not_half_a_document(get, outside, damage):
    url = outside.serve("/", damage(gzip.compress(b"text" * 1000)), content_encoding="gzip")
    assert error_of(get, url, allowed_hosts=OPEN).code == "bad_response"


def test_a_compression_that_was_not_asked_for_is_refused(get, outside):
    assert (
        error_of(get, outside.serve("/", b"x", content_encoding="br"), allowed_hosts=OPEN).code
        == "bad_response"
    )


def test_an_answer_cut_off_before_its_length_is_an_error(get, outside):
    url = outside.serve("/", b"half", content_length="1000")
    error = error_of(get, url, allowed_hosts=OPEN)
    assert (error.code, error.retryable) == ("bad_response", True)


def drip(part):
    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if part == "body":
            handler.wfile.write(b"\r\n")
        for _ in range(200):
            handler.wfile.write(b"x" if part == "body" else b"x-a: b\r\n")
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_slow_drip_ends_at_the_deadline_although_each_read_is_quick(get, outside, part):
    outside.routes["/"] = drip(part)
    error = error_of(get, outside.url(), timeout_seconds=0.6, allowed_hosts=OPEN)
    assert (error.code, error.retryable) == ("timeout", True)


def test_the_deadline_covers_all_redirects_together(get, outside):
    def slow_redirect(handler):
        time.sleep(0.3)
        handler.send_response(302)
        handler.send_header("location", f"/{int(handler.path[1:]) + 1}")
        handler.end_headers()

    for step in range(5):
        outside.routes[f"/{step}"] = slow_redirect
    assert (
        error_of(get, outside.url("/0"), timeout_seconds=0.7, allowed_hosts=OPEN).code == "timeout"
    )


def test_a_resolver_that_hangs_ends_at_the_deadline():
    hangs, ended = threading.Event(), []

    def hang(*_):
        ended.append(hangs.wait(60))
        return ["8.8.8.8"]

    error = error_of(fetch, "http://slow.example/", timeout_seconds=0.3, resolver=hang)
    assert (error.code, ended) == ("timeout", [])
    hangs.set()


# --- posting --------------------------------------------------------------------------------------


def test_a_post_carries_its_body_and_headers_and_reports_the_answer(outside):
    url = outside.serve("/hook", b"ok" * 5000, status=202, x_request_id="7")
    posted = post_json(url, b'{"a": 1}', {"X-MiniRAG-Event": "test.ping"}, allowed_hosts=OPEN)
    assert (posted.status, posted.headers["x-request-id"]) == (202, "7")
    assert posted.body_excerpt == "ok" * 1024
    assert 0 < posted.duration_seconds < 60
    method, _, headers, body = outside.seen[0]
    assert (method, body) == ("POST", b'{"a": 1}')
    assert (headers["content-type"], headers["x-minirag-event"]) == (
        "application/json",
        "test.ping",
    )


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_post_follows_no_redirect_and_raises_for_no_status(outside, inside, status):
    url = outside.serve("/hook", b"", status=status, location=inside.url())
    assert post_json(url, b"{}", {}, allowed_hosts=OPEN).status == status
    assert inside.seen == []
    assert len(outside.seen) == 1


def test_a_post_to_a_private_address_is_refused(inside):
    with pytest.raises(OutboundError) as caught:
        post_json(inside.url(host="hook.example"), b"{}", {}, resolver=lambda *_: ["127.0.0.2"])
    assert caught.value.code == "address_refused"
    assert inside.seen == []


def test_a_header_cannot_smuggle_a_second_one(outside):
    outside.serve("/hook")
    with pytest.raises(OutboundError) as caught:
        post_json(outside.url("/hook"), b"{}", {"X-Name": "a\r\nX-Other: b"}, allowed_hosts=OPEN)
    assert caught.value.code == "url_invalid"
    assert outside.seen == []


async def test_an_api_is_called_on_the_loop_and_its_whole_answer_read(outside):
    answer = json.dumps({"results": ["x" * 5000]}).encode()
    url = outside.serve("/search", answer, content_type="application/json")
    found = await post_async(url, b'{"q": 1}', {"Authorization": "Bearer t"}, allowed_hosts=OPEN)
    assert found.body == answer
    assert outside.seen[0][2]["authorization"] == "Bearer t"


async def test_an_api_that_fails_or_redirects_is_an_error(outside):
    for status in (302, 401, 500):
        outside.serve("/search", b"{}", status=status)
        with pytest.raises(OutboundError) as caught:
            await post_async(outside.url("/search"), b"{}", {}, allowed_hosts=OPEN)
        assert caught.value.upstream_status == status


async def test_on_the_loop_no_spelling_of_a_private_address_reaches_it_either(outside):
    for host in HOSTILE_HOSTS.split():
        with pytest.raises(OutboundError) as caught:
            await post_async(f"http://{host}:{outside.port}/", b"{}", {})
        assert caught.value.code in {"address_refused", "url_invalid"}, host
    assert outside.seen == []


async def test_on_the_loop_all_addresses_of_a_name_are_vetted(inside):
    for found in (["127.0.0.2"], ["93.184.216.34", "127.0.0.2"]):
        with pytest.raises(OutboundError) as caught:
            await post_async(inside.url(host="hook.example"), b"{}", {}, resolver=lambda *_: found)
        assert caught.value.code == "address_refused"
    assert inside.seen == []


async def test_on_the_loop_a_header_cannot_smuggle_a_second_one_either(outside):
    outside.serve("/hook")
    for headers in ({"X-Name": "a\r\nX-Other: b"}, {"X-Name: a\r\nX-Other": "b"}):
        with pytest.raises(OutboundError) as caught:
            await post_async(outside.url("/hook"), b"{}", headers, allowed_hosts=OPEN)
        assert caught.value.code == "url_invalid"
    assert outside.seen == []


async def test_a_body_that_comes_in_pieces_goes_out_in_one_with_its_length(outside):
    async def pieces():
        yield b"ab"
        yield b"cd"

    transport = AsyncTransport(resolver=resolve_host)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        await client.post(outside.serve("/upload"), content=pieces())
    _, _, headers, body = outside.seen[0]
    assert (headers["content-length"], headers.get("transfer-encoding"), body) == (
        "4",
        None,
        b"abcd",
    )


async def test_other_work_goes_on_while_an_answer_is_awaited(outside):
    outside.routes["/"] = drip("body")
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.02)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with pytest.raises(OutboundError):
        await post_async(outside.url(), b"{}", {}, timeout_seconds=1, allowed_hosts=OPEN)
    ticking.cancel()
    assert ticks > 3


# --- leaving early --------------------------------------------------------------------------------


async def is_left_alone(server) -> bool:
    for _ in range(6000):
        if not server.open_connections:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_an_answer_that_drips_on_past_the_deadline_leaves_no_connection_open():
    async with ScriptedServer(packets=[b"drip"] * 2000, pause=0.01) as server:
        with pytest.raises(OutboundError) as caught:
            await post_async(server.base_url, b"{}", {}, timeout_seconds=0.2, allowed_hosts=OPEN)
        assert caught.value.code == "timeout"
        assert await is_left_alone(server)


async def test_a_caller_who_goes_away_leaves_no_connection_open():
    async with ScriptedServer(packets=[b"drip"] * 2000, pause=0.01) as server:
        calling = asyncio.create_task(post_async(server.base_url, b"{}", {}, allowed_hosts=OPEN))
        while not server.requests:
            await asyncio.sleep(0.01)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert await is_left_alone(server)
