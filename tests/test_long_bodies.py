"""Bodies that arrive at the running product: long, slow, lying, endless, broken, and from nobody we know."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from tests.product import Product, TenantAccount
from tests.raw_http import END, MULTIPART, Answer, RawConnection, part

pytestmark = pytest.mark.product
MB = 2**20
UPLOAD = "/v1/sources/upload"
ID = "upload-4711"


@pytest.fixture(scope="module")
def acme(product: Product, acme_account: TenantAccount) -> Iterator[TenantAccount]:
    acme_account.bot_id = acme_account.bot_id or product.make_bot(acme_account)
    yield acme_account
    # Nobody waits for the ingestion of what was sent; the other tests of this installation wait for its workers.
    for source in acme_account.client.get("/v1/sources").json():
        acme_account.client.delete(f"/v1/sources/{source['id']}")


@pytest.fixture
def connection(product: Product):
    with RawConnection(product.port) as opened:
        yield opened


def healthy(product: Product) -> bool:
    return httpx.get(f"{product.base_url}/health", timeout=30).json() == {"status": "ok"}


def bearer(account: TenantAccount) -> dict[str, object]:
    return {"Authorization": f"Bearer {account.token}", "X_Request_ID": ID}


def form(account: TenantAccount, text: bytes = b"Open from 9 to 17.") -> bytes:
    fields = part("bot_profile_id", account.bot_id.encode())
    return fields + part("file", text, file_name="hours.txt") + END


def post(connection: RawConnection, body: bytes, path: str = UPLOAD, **headers: object) -> Answer:
    named = {"Content_Type": MULTIPART, "Content_Length": len(body), **headers}
    connection.send_head("POST", path, **named)
    connection.send(body)
    return connection.read()


def refusal(answer: Answer) -> tuple[int, str]:
    """Return status and code of an error that keeps the contract."""
    said = answer.json()
    assert {"detail", "code", "request_id", "retryable"} <= set(said), said
    assert said["request_id"] == answer.headers["x-request-id"]
    return answer.status, said["code"]


# --- From nobody ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (UPLOAD, (401, "not_authenticated")),
        ("/v1/sources/validate-file", (401, "not_authenticated")),
        ("/v1/sources", (401, "not_authenticated")),
        ("/v1/bot-profiles", (413, "body_too_large")),
        ("/v1/chat", (413, "body_too_large")),
        ("/v1/tenants", (413, "body_too_large")),
        ("/v1/auth/login", (413, "body_too_large")),
        ("/v1/widget/sessions", (413, "body_too_large")),
        ("/v1/platform/tenants", (413, "body_too_large")),
        ("/v1/nothing", (413, "body_too_large")),
        ("/nothing", (413, "body_too_large")),
        ("/health", (413, "body_too_large")),
        ("/static/minirag/widget.js", (413, "body_too_large")),
        ("/", (413, "body_too_large")),
        ("/t/acme/", (413, "body_too_large")),
        ("/ws/chat/", (413, "body_too_large")),
        ("/admin/login/", (413, "body_too_large")),
    ],
)
@pytest.mark.parametrize(
    "kind", [MULTIPART, "application/x-www-form-urlencoded", "application/json"]
)
def test_a_strangers_long_body_is_refused_before_any_of_it_is_sent(
    product, acme, connection, path, expected, kind
):
    size = 15 * MB if expected[0] == 401 else 60 * MB
    connection.send_head("POST", path, Content_Type=kind, Content_Length=size, X_Request_ID=ID)
    answer = connection.read()
    assert refusal(answer) == expected and answer.headers["x-request-id"] == ID
    assert answer.headers["connection"] == "close" and connection.is_closed()
    assert healthy(product)


def test_a_stranger_who_sends_all_the_same_gets_the_answer_and_stops_nobody(product, acme):
    with RawConnection(product.port) as connection:
        connection.send_head("POST", UPLOAD, Content_Type=MULTIPART, Content_Length=60 * MB)
        for _ in range(30):
            connection.send(b"x" * MB)
            assert healthy(product)
        for _ in range(30):
            connection.send(b"x" * MB)
        assert refusal(connection.read()) == (401, "not_authenticated")


@pytest.mark.parametrize("slug", ["", "/t/acme"])
def test_a_strangers_form_for_the_admin_leads_to_its_log_in(connection, acme, slug):
    path = f"{slug}/admin/knowledge/source/add/" if slug else "/admin/tenants/tenant/add/"
    connection.send_head("POST", path, Content_Type=MULTIPART, Content_Length=15 * MB)
    answer = connection.read()
    assert (answer.status, connection.is_closed()) == (302, True)
    assert answer.headers["location"].startswith(f"{slug}/admin/login/?next=")


def test_a_body_without_length_is_refused_once_it_is_long(connection, acme):
    connection.send_head("POST", UPLOAD, Content_Type=MULTIPART, Transfer_Encoding="chunked")
    connection.send_chunk(b"x" * 40_000)
    connection.send_chunk(b"x" * 40_000)
    assert refusal(connection.read()) == (401, "not_authenticated")


def test_a_bad_token_is_told_so(connection, acme):
    headers = {"Content_Type": MULTIPART, "Authorization": "Bearer " + "x" * 43}
    connection.send_head("POST", UPLOAD, **headers, Content_Length=MB)
    assert refusal(connection.read()) == (401, "token_invalid")


def test_a_refusal_has_the_name_of_its_status(product, acme):
    headers = {"Authorization": f"Bearer {acme.token}"}
    answer = httpx.get(f"{product.base_url}/v1/sources?limit=-1", headers=headers)
    assert (answer.status_code, answer.reason_phrase) == (422, HTTPStatus(422).phrase)


def test_a_token_without_the_right_is_refused_at_the_head_too(product, acme, connection):
    made = acme.client.post("/v1/api-tokens", json={"name": "reader", "scopes": ["read"]}).json()
    headers = {"Content_Type": MULTIPART, "Authorization": f"Bearer {made['raw_token']}"}
    connection.send_head("POST", UPLOAD, **headers, Content_Length=MB)
    assert refusal(connection.read()) == (403, "token_restricted")


def test_who_asks_before_sending_is_told_to_go_on_or_not_to(product, acme, connection):
    body = form(acme, b"Open. " * 20_000)
    asks = {"Content_Type": MULTIPART, "Content_Length": len(body), "Expect": "100-continue"}
    with RawConnection(product.port) as stranger:
        stranger.send_head("POST", UPLOAD, **asks)
        assert stranger.read().status == 401
    connection.send_head("POST", UPLOAD, **asks, **bearer(acme))
    assert connection.read().status == 100
    connection.send(body)
    assert connection.read().status == 201


# --- From somebody ----------------------------------------------------------------------------------------------
def web_memory(product: Product) -> int:
    """The resident memory of the web process, in bytes."""
    assert product.process is not None
    for status in Path("/proc").glob("[0-9]*/status"):
        command = (status.parent / "cmdline").read_bytes()
        if b"daphne" in command and int(os.getpgid(int(status.parent.name))) > 0:
            environment = (status.parent / "environ").read_bytes()
            if product.settings["DATABASE_URL"].encode() in environment:
                line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
                return int(line.split()[1]) * 1024
    raise AssertionError("no web process")


def test_an_upload_that_is_too_large_is_answered_by_its_view_and_costs_no_memory(product, acme):
    before = web_memory(product)
    with RawConnection(product.port) as connection:
        body = form(acme, b"x" * (60 * MB))
        connection.send_head(
            "POST", UPLOAD, Content_Type=MULTIPART, Content_Length=len(body), **bearer(acme)
        )
        for start in range(0, len(body), MB):
            connection.send(body[start : start + MB])
            assert healthy(product)
        assert refusal(connection.read()) == (422, "file_too_large")
    assert web_memory(product) - before < 40 * MB


def test_a_slow_upload_stops_nobody_and_arrives(product, acme, connection):
    body = form(acme, b"Open from 9 to 17. " * 20_000)
    connection.send_head(
        "POST", UPLOAD, Content_Type=MULTIPART, Content_Length=len(body), **bearer(acme)
    )
    for start in range(0, len(body), 50_000):
        connection.send(body[start : start + 50_000])
        assert healthy(product)
    answer = connection.read()
    assert (answer.status, answer.headers["x-request-id"]) == (201, ID)
    assert post(connection, form(acme), **bearer(acme)).status == 201  # on the same connection


def test_an_upload_without_length_arrives(product, acme, connection):
    for text in (b"Open from 9 to 17.", b"Open from 9 to 17. " * 20_000):
        body = form(acme, text)
        connection.send_head(
            "POST", UPLOAD, Content_Type=MULTIPART, Transfer_Encoding="chunked", **bearer(acme)
        )
        for start in range(0, len(body), 7_000):
            connection.send_chunk(body[start : start + 7_000])
        connection.send_chunk(b"")
        assert connection.read().status == 201


def test_a_body_of_tiny_chunks_costs_no_memory(product, acme, connection):
    before = web_memory(product)
    connection.send_head(
        "POST", UPLOAD, Content_Type=MULTIPART, Transfer_Encoding="chunked", **bearer(acme)
    )
    for _ in range(20):
        connection.send(b"1\r\nx\r\n" * 20_000)
        assert healthy(product)
    connection.send_chunk(b"")
    assert refusal(connection.read()) == (400, "bad_request")
    assert web_memory(product) - before < 40 * MB


def test_a_body_that_never_ends_is_cut_off_at_the_limit(product, acme, connection):
    connection.send_head(
        "POST", UPLOAD, Content_Type=MULTIPART, Transfer_Encoding="chunked", **bearer(acme)
    )
    connection.send_chunk(part("file", b"", file_name="a.txt")[:-2])
    for _ in range(70):
        connection.send_chunk(b"x" * MB)
    assert refusal(connection.read()) == (413, "body_too_large")
    assert healthy(product)


def test_a_body_shorter_than_it_says_is_forgotten_and_one_longer_is_cut(product, acme):
    with RawConnection(product.port) as short:
        short.send_head("POST", UPLOAD, Content_Type=MULTIPART, Content_Length=MB, **bearer(acme))
        short.send(form(acme))
    with RawConnection(product.port) as long:
        answer = post(long, form(acme) + b"and more than that\r\n\r\n", **bearer(acme))
        assert answer.status == 201
    with RawConnection(product.port) as long:
        body = form(acme)
        long.send_head(
            "POST", UPLOAD, Content_Type=MULTIPART, Content_Length=len(body), **bearer(acme)
        )
        long.send(body + b"and more than that\r\n\r\n")
        assert long.read().status == 201
        assert refusal(long.read()) == (400, "bad_request")
    assert healthy(product)


# --- Broken forms -----------------------------------------------------------------------------------------------
LINES = b"".join(b"X-%d: y\r\n" % number for number in range(100_000))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"no boundary at all"),
        ("multipart/form-data; boundary=", b"an empty one"),
        ("multipart/form-data; boundary=\xfc\xfc", b"one that is no ASCII"),
        (MULTIPART, b"what is no form"),
        (MULTIPART, part("a", b"b") * 100_000 + END),
        (MULTIPART, part("file", b"x", file_name="a.txt") * 1_000 + END),
        (MULTIPART, part("file", b"x", file_name="a.txt", headers=LINES) + END),
        (MULTIPART, part("file", b"x", file_name="x" * 4_000 + ".txt") + END),
    ],
)
def test_a_broken_form_is_400_in_json_with_its_request_id(connection, acme, kind, body):
    headers = {**bearer(acme), "Content_Type": kind, "Content_Length": len(body)}
    connection.send_head("POST", UPLOAD, **headers)
    connection.send(body)
    answer = connection.read()
    assert refusal(answer) in ((400, "bad_request"), (422, "validation_error"))
    assert answer.headers["x-request-id"] == ID


def test_a_part_that_never_ends_is_read_as_far_as_it_goes(product, acme, connection):
    body = form(acme, b"Open from 9 to 17. " * 20_000)[: -len(END) - 2]
    assert post(connection, body, **bearer(acme)).status in (201, 400, 422)
    assert healthy(product)


def test_a_chunked_body_that_is_broken_is_400_in_json(connection, acme):
    connection.send_head(
        "POST", UPLOAD, Content_Type=MULTIPART, Transfer_Encoding="chunked", **bearer(acme)
    )
    connection.send(b"this is no length\r\n")
    assert refusal(connection.read()) == (400, "bad_request")


def test_an_upload_is_repeatable_by_its_key(product, acme, connection):
    body = form(acme, b"Open from 9 to 17. " * 20_000)
    first = post(connection, body, Idempotency_Key="long-1", **bearer(acme))
    again = post(connection, body, Idempotency_Key="long-1", **bearer(acme))
    other = post(connection, body[:-200] + END, Idempotency_Key="long-1", **bearer(acme))
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body and again.headers["idempotency-replayed"] == "true"
    assert refusal(other) == (409, "idempotency_key_reused")


# --- Before any application -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 30_000 + b"\r\n\r\n", 431),
        (b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X-Many: y\r\n" * 2_000 + b"\r\n", 431),
        (b"GET /" + b"x" * 30_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nBad(Name: x\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-Bell: \x0b\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /?q=\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ],
)
def test_what_the_server_refuses_itself_keeps_the_contract(connection, head, status):
    connection.send(head)
    answer = connection.read()
    code = {400: "bad_request", 431: "headers_too_large"}[status]
    assert refusal(answer) == (status, code)
    assert answer.headers["content-type"] == "application/json"
