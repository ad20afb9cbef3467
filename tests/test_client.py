"""The Python client: generated from what the API says of itself, and used against a running product."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from clients.generating import python, typescript
from minirag.pages.reference import api_document
from tests.product import CHECKOUT, Product, TenantAccount

CLIENT = CHECKOUT / "clients" / "python"
sys.path.insert(0, str(CLIENT))

from minirag_client import MiniRAG, MiniRAGError, etag_of, verify_webhook  # noqa: E402


def open_client(
    *answers: httpx.Response | Exception, **options
) -> tuple[MiniRAG, list[httpx.Request]]:
    """A client of a server that gives these answers in turn, and the requests that reached it."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        given = answers[len(seen) - 1]
        if isinstance(given, Exception):
            raise given
        return given

    http = httpx.Client(transport=httpx.MockTransport(answer))
    return MiniRAG("http://minirag.example.com/", "token", http=http, **options), seen


def events(*names: str) -> bytes:
    return b"".join(f"event: {name}\ndata: {{}}\n\n".encode() for name in names)


def broken_stream(content: bytes, **headers: str) -> httpx.Response:
    """An answer whose connection breaks behind `content`."""

    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield content
            raise httpx.ReadError("the connection was reset")

    return httpx.Response(200, headers=headers, stream=Broken())


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr("minirag_client.transport.time.sleep", waited.append)
    return waited


@pytest.mark.parametrize(
    ("generator", "folder"), [(python, "python/minirag_client"), (typescript, "typescript/src")]
)
def test_the_generated_files_are_those_of_todays_api(generator, folder):
    for name, text in generator.generate(api_document()).items():
        written = (CHECKOUT / "clients" / folder / name).read_text()
        assert written == text, "run: python -m clients.generating"


def test_a_change_can_be_kept_from_overwriting_others():
    shown = httpx.Response(200, headers={"ETag": '"a1"'}, json={"id": "s", "name": "Hours"})
    refused = httpx.Response(409, json={"code": "changed_meanwhile", "detail": "Read it again."})
    minirag, seen = open_client(shown, refused, httpx.Response(204))
    source = minirag.show_source("s")
    assert source["name"] == "Hours" and etag_of(source) == '"a1"' and etag_of({}) == ""
    with pytest.raises(MiniRAGError, match="changed_meanwhile"):
        minirag.change_source("s", name="Times", if_match=etag_of(source))
    minirag.delete_source("s")
    assert [request.headers.get("If-Match") for request in seen] == [None, '"a1"', None]


def test_installing_it_leaves_nothing_in_the_checkout():
    """Setuptools builds beside the sources, which `pip install ./clients/python` would leave there."""
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())
    assert project["build-system"]["build-backend"] == "flit_core.buildapi"
    assert project["project"]["name"].replace("-", "_") == "minirag_client"  # how flit finds it


def test_it_passes_the_strictest_type_check():
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--no-incremental",
        "minirag_client",
    ]
    done = subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout


class TestRequests:
    def test_what_is_not_given_is_not_sent_and_none_is_null(self):
        minirag, seen = open_client(httpx.Response(200, json={}))
        minirag.change_bot("b", name="New", embedding_model=None)
        assert json.loads(seen[0].content) == {"name": "New", "embedding_model": None}
        assert (seen[0].method, seen[0].url.path) == ("PATCH", "/v1/bot-profiles/b")
        assert seen[0].headers["authorization"] == "Bearer token"

    def test_a_busy_server_is_asked_again_after_as_long_as_it_wants(self, pauses):
        busy = httpx.Response(
            429, headers={"Retry-After": "7"}, json={"detail": "slow", "code": "rate_limited"}
        )
        minirag, seen = open_client(
            busy, httpx.ConnectError("gone"), httpx.Response(201, json={"id": "x"})
        )
        assert minirag.create_bot(name="x") == {"id": "x"}
        assert pauses[0] == 7 and 0 < pauses[1] < 2
        keys = {request.headers["idempotency-key"] for request in seen}
        assert len(seen) == 3 and len(keys) == 1

    def test_a_stream_that_breaks_is_read_on_where_it_broke(self, pauses):
        minirag, seen = open_client(
            broken_stream(events("sources", "delta"), **{"X-Turn-ID": "t1"}),
            httpx.ConnectError("gone"),
            broken_stream(events("delta")),
            httpx.Response(200, content=events("delta", "done")),
        )
        heard = list(minirag.stream(bot_profile_id="b", message="Hi"))
        assert [event.name for event in heard] == ["sources", "delta", "delta", "delta", "done"]
        assert [event.number for event in heard] == [1, 2, 3, 4, 5]
        assert {event.turn_id for event in heard} == {"t1"}
        assert [request.url.path for request in seen] == ["/v1/chat"] + ["/v1/turns/t1/events"] * 3
        assert [request.headers.get("last-event-id") for request in seen] == [None, "2", "2", "3"]
        assert seen[1].url.params["extended"] == "true" and len(pauses) == 3

    def test_a_stream_that_ends_without_its_last_event_is_read_on_too(self, pauses):
        minirag, _ = open_client(
            httpx.Response(200, content=events("delta"), headers={"X-Turn-ID": "t1"}),
            httpx.Response(200, content=events("done")),
        )
        heard = list(minirag.stream(bot_profile_id="b", message="Hi"))
        assert [event.name for event in heard] == ["delta", "done"]

    def test_a_server_that_stays_away_ends_the_stream(self, pauses):
        minirag, seen = open_client(
            broken_stream(events("delta"), **{"X-Turn-ID": "t1"}), *[httpx.ConnectError("gone")] * 2
        )
        with pytest.raises(MiniRAGError) as raised:
            list(minirag.stream(bot_profile_id="b", message="Hi"))
        assert (raised.value.code, raised.value.retryable, len(seen)) == ("unreachable", True, 3)

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (httpx.Response(410, json={"detail": "x", "code": "gone"}), "gone"),
            (httpx.Response(200, content=b'event: error\ndata: {"code": "interrupted"}\n\n'), "interrupted"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_on_is_said_at_once(self, pauses, answer, code):
        minirag, seen = open_client(answer)
        with pytest.raises(MiniRAGError) as raised:
            list(minirag.follow("t1", after=7))
        assert raised.value.code == code and len(seen) == 1
        assert seen[0].headers["last-event-id"] == "7"

    def test_a_stream_of_a_server_that_names_no_turn_is_not_read_on(self, pauses):
        minirag, seen = open_client(broken_stream(events("delta")))
        with pytest.raises(MiniRAGError, match="unreachable"):
            list(minirag.stream(bot_profile_id="b", message="Hi"))
        assert len(seen) == 1

    def test_after_the_last_try_the_error_says_what_to_do(self, pauses):
        body = {
            "detail": "The model is away.",
            "code": "provider_unavailable",
            "request_id": "r1",
            "retryable": True,
        }
        minirag, seen = open_client(*[httpx.Response(503, json=body)] * 3)
        with pytest.raises(MiniRAGError) as raised:
            minirag.ask_bot(bot_profile_id="b", message="Hi")
        error = raised.value
        assert (error.status, error.code, error.request_id) == (503, "provider_unavailable", "r1")
        assert error.retryable and len(seen) == 3

    def test_what_no_later_try_can_mend_is_tried_once(self, pauses):
        invalid = {"detail": [{"loc": ["body", "name"]}], "code": "validation_error"}
        minirag, seen = open_client(httpx.Response(422, json=invalid))
        with pytest.raises(MiniRAGError, match="422 validation_error"):
            minirag.create_bot(name="")
        assert len(seen) == 1 and pauses == []

    def test_a_spent_quota_is_not_waited_for(self, pauses):
        spent = {"detail": "No messages left.", "code": "quota_exceeded"}
        minirag, seen = open_client(
            httpx.Response(429, headers={"Retry-After": "86400"}, json=spent)
        )
        with pytest.raises(MiniRAGError):
            minirag.list_bots()
        assert len(seen) == 1

    def test_a_server_that_is_not_there_is_an_error_of_ours(self, pauses):
        minirag, _ = open_client(*[httpx.ConnectError("refused")] * 3)
        with pytest.raises(MiniRAGError) as raised:
            minirag.list_bots()
        assert (raised.value.status, raised.value.code) == (0, "unreachable")

    def test_an_answer_of_a_proxy_is_an_error_too(self):
        minirag, _ = open_client(httpx.Response(502, text="<h1>Bad Gateway</h1>"), retries=0)
        with pytest.raises(MiniRAGError, match="502 http_error"):
            minirag.list_bots()

    def test_lists_of_both_kinds_are_read_to_their_end(self):
        link = {"Link": '<http://minirag.example.com/v1/sources?limit=1&cursor=c2>; rel="next"'}
        minirag, seen = open_client(
            httpx.Response(200, json=[{"id": 1}], headers=link), httpx.Response(200, json=[{"id": 2}]),
            httpx.Response(200, json={"items": [{"id": 3}], "next_cursor": "c4"}),
            httpx.Response(200, json={"items": [{"id": 4}], "next_cursor": None}),
        )  # fmt: skip
        assert [each["id"] for each in minirag.iterate("/v1/sources", page_size=1)] == [1, 2]
        assert [each["id"] for each in minirag.iterate("/v1/documents")] == [3, 4]
        assert [request.url.params.get("cursor") for request in seen] == [None, "c2", None, "c4"]


class TestWebhooks:
    def sign(self, secret: bytes, body: bytes, at: float) -> dict[str, str]:
        signed = f"msg_1.{int(at)}.".encode() + body
        signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        signatures = f"v1,AAAA v1,{signature}"
        return {
            "Webhook-Id": "msg_1",
            "Webhook-Timestamp": str(int(at)),
            "Webhook-Signature": signatures,
        }

    def test_ours_is_known_and_no_other(self):
        headers = self.sign(b"secret", b"{}", time.time())
        assert verify_webhook("secret", headers, b"{}")
        assert not verify_webhook("secret", headers, b"{ }")
        assert not verify_webhook("other", headers, b"{}")
        assert not verify_webhook("secret", {}, b"{}")

    def test_a_secret_of_the_standards_form_is_base64(self):
        headers = self.sign(b"0123456789abcdef", b"{}", time.time())
        assert verify_webhook(
            "whsec_" + base64.b64encode(b"0123456789abcdef").decode(), headers, b"{}"
        )

    def test_an_old_one_is_refused(self):
        assert not verify_webhook("secret", self.sign(b"secret", b"{}", time.time() - 301), b"{}")


@pytest.mark.product
class TestAgainstTheProduct:
    @pytest.fixture
    def minirag(self, product: Product, acme_account: TenantAccount) -> MiniRAG:
        return MiniRAG(product.base_url, acme_account.token)

    def test_the_pages_programs_run_as_they_stand(
        self, product: Product, acme_account: TenantAccount, tmp_path: Path
    ):
        page = (CHECKOUT / "docs" / "client.md").read_text()
        program = "\n".join(re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
        environment = {
            **product.environment,
            "MINIRAG": product.base_url,
            "TOKEN": acme_account.token,
            "PYTHONPATH": str(CLIENT),
        }
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "from 9 to 17" in done.stdout
        assert "Hours ready" in done.stdout
        assert "404 not_found" in done.stdout
        assert (tmp_path / "chats.csv").read_text().startswith("chat_id,chat_title,")

    def test_a_repeated_post_makes_one_bot(self, minirag):
        before = len(minirag.list_bots())
        for _ in range(2):
            minirag.request(
                "POST", "/v1/bot-profiles", body={"name": "Once"}, idempotency_key="the-same"
            )
        assert len(minirag.list_bots()) == before + 1

    def test_a_stream_for_a_missing_bot_is_an_error(self, minirag):
        with pytest.raises(MiniRAGError) as raised:
            list(
                minirag.stream(bot_profile_id="00000000-0000-4000-8000-000000000000", message="Hi")
            )
        assert raised.value.status == 404

    def test_another_tenants_bot_is_not_there(self, minirag, product, globex_account):
        foreign = product.make_bot(globex_account)
        with pytest.raises(MiniRAGError) as raised:
            minirag.show_bot(foreign)
        assert raised.value.status == 404
