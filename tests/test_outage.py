"""kill -9 of PostgreSQL under the running product: 503 wherever somebody asks, and service with its return."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from minirag.local.embedded import PostgresServer
from minirag.local.embedded.postgres import DATABASE
from tests.fakes.openai_server import FakeOpenAI
from tests.migrated import PRODUCT_DATABASE, copy_migrated
from tests.product import Product, TenantAccount
from tests.servers import SECRETS

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]

METRICS = "a-token-of-the-operator's-Prometheus"
QUESTION = {"type": "question", "message": "Are you there?"}
BODY = {"code": "database_unavailable", "retryable": True}


@dataclass
class Installation:
    """A product on an embedded PostgreSQL of its own, a tenant of it, and a bot of the tenant that answers slowly."""

    postgres: PostgresServer
    product: Product
    account: TenantAccount

    def kill_postgres(self) -> None:
        assert self.postgres.child is not None
        os.kill(self.postgres.child.pid, signal.SIGKILL)
        self.postgres.child.wait()

    def wait_until_served(self) -> None:
        """An earlier test's outage is over once a read is answered.

        A server that was started from a thread ends with that thread, as the socket's test does.
        """
        for _ in range(100):
            if not self.postgres.is_running():
                self.postgres.start()
            if self.get("/v1/bot-profiles").status_code == 200:
                return
            time.sleep(0.1)
        pytest.fail("PostgreSQL is back, and the product is not")

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.account.client.get(path, headers=headers)


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="minirag-outage-") as name, FakeOpenAI() as provider:
        directory = Path(name)
        directory.chmod(0o711)  # PostgreSQL runs as a user of its own
        is_migrated = copy_migrated(directory / "postgres", SECRETS)
        postgres = PostgresServer(directory / "postgres", directory / "postgres.log")
        postgres.start()
        database = PRODUCT_DATABASE if is_migrated else DATABASE
        url = postgres.url.removesuffix(DATABASE) + database
        product = Product(directory, {"DATABASE_URL": url, "METRICS_TOKEN": METRICS})
        try:
            product.start()
            account = product.sign_up("outage")
            keys = {"api_key": "sk-test", "api_base": provider.base_url}
            bot_id = product.make_bot(account, model="openai/steady-400", credentials=keys)
            settings = {"refuses": False, "allowed_origins": [product.base_url]}
            account.client.patch(f"/v1/bot-profiles/{bot_id}/settings", json=settings)
            yield Installation(postgres, product, account)
        finally:
            product.stop()
            postgres.stop()


def shown(response: httpx.Response) -> dict[str, Any]:
    body = response.json()
    return {key: body.get(key) for key in BODY}


@asynccontextmanager
async def socket_of(installation: Installation) -> AsyncIterator[Any]:
    """A widget's socket that has authenticated."""
    product, account = installation.product, installation.account
    session = account.client.post(
        "/v1/widget/sessions",
        json={"bot_profile_id": account.bot_id, "visitor_id": "visitor-of-an-outage-1"},
        headers={"Origin": product.base_url},
    )
    assert session.status_code == 201, session.text
    url = product.base_url.replace("http", "ws") + "/ws/chat/"
    async with websockets.connect(url, origin=product.base_url) as socket:
        token = session.json()["session_token"]
        await socket.send(json.dumps({"type": "authenticate", "session_token": token}))
        assert json.loads(await socket.recv())["type"] == "authenticated"
        yield socket


async def read_until(socket: Any, *kinds: str) -> dict[str, Any]:
    while (frame := json.loads(await asyncio.wait_for(socket.recv(), 60)))["type"] not in kinds:
        pass
    return frame


def test_every_edge_says_503_and_when_to_come_back_and_the_first_to_ask_again_is_served(
    installation,
):
    client, bot_id = installation.account.client, installation.account.bot_id
    installation.wait_until_served()
    question = {"bot_profile_id": bot_id, "message": "Are you there?"}
    completion = {"model": bot_id, "messages": [{"role": "user", "content": "Are you there?"}]}
    log_in = {"email": installation.account.email, "password": installation.account.password}
    page = {"Accept": "text/html"}
    installation.kill_postgres()
    try:
        answers = [
            installation.get("/v1/bot-profiles"),
            installation.get("/v1/system/health/detailed"),
            client.post("/v1/bot-profiles", json={"name": "New"}, headers={"Idempotency-Key": "k"}),
            client.post("/v1/chat", json=question),
            client.post("/v1/chat", json={**question, "stream": True}),
            client.post("/v1/auth/login", json=log_in),
            client.post(
                "/v1/widget/sessions", json={"bot_profile_id": bot_id, "visitor_id": "v" * 24}
            ),
            installation.get("/v1/platform/tenants"),
            installation.get("/t/outage/v1/bot-profiles"),
        ]
        assert [(answer.status_code, shown(answer)) for answer in answers] == [(503, BODY)] * len(
            answers
        )
        watched = installation.get("/metrics", Authorization=f"Bearer {METRICS}")
        assert watched.status_code == 200, "the alert on a server that is away needs this"
        assert 'minirag_up{server="postgres"} 0.0' in watched.text
        assert "minirag_requests_total{" in watched.text and "minirag_tenants" not in watched.text
        openai = client.post("/v1/chat/completions", json=completion)
        pages = [
            client.get("/t/outage/admin/login/", headers=page),
            client.get("/t/outage/", headers=page),
            client.get("/admin/", headers={**page, "Cookie": "sessionid=" + "a" * 32}),
        ]
        assert [(answer.status_code, "try again" in answer.text) for answer in pages] == [
            (503, True)
        ] * 3
        assert openai.status_code == 503 and "error" in openai.json()
        assert {answer.headers.get("Retry-After") for answer in [*answers, openai, *pages]} == {"2"}
        assert installation.get("/health").status_code == 200, "the process itself is well"
        assert installation.get("/v1/system/health").json()["postgres"]["status"] == "error"
    finally:
        installation.postgres.start()
    assert installation.get("/v1/bot-profiles").status_code == 200


async def test_a_socket_says_so_stays_open_and_answers_afterwards(installation):
    async with socket_of(installation) as socket:
        await asyncio.to_thread(installation.kill_postgres)
        try:
            await socket.send(json.dumps({**QUESTION, "request_id": "q1"}))
            frame = await read_until(socket, "error", "done")
            assert {**BODY, "type": "error", "request_id": "q1"}.items() <= frame.items()
            await socket.send(
                json.dumps({"type": "feedback", "message_id": "0" * 32, "feedback": None})
            )
            assert BODY.items() <= (await read_until(socket, "error")).items()
        finally:
            await asyncio.to_thread(installation.postgres.start)
        await socket.send(json.dumps(QUESTION))
        assert "there" in (await read_until(socket, "error", "done"))["content"]


def test_a_stream_that_is_cut_by_the_outage_ends_in_an_error_that_can_be_retried(installation):
    question = {
        "bot_profile_id": installation.account.bot_id, "message": "One two three four five?", "stream": True,
    }  # fmt: skip
    events: list[tuple[str, str]] = []
    installation.wait_until_served()
    try:
        with installation.account.client.stream("POST", "/v1/chat", json=question) as response:
            assert response.status_code == 200, response.read()
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                events += [(name, value)] if name else []
                if events[-1:] == [("event", "delta")] and installation.postgres.is_running():
                    installation.kill_postgres()
    finally:
        installation.postgres.start()
    assert events[-2] == ("event", "error"), events[-4:]
    assert BODY.items() <= json.loads(events[-1][1]).items()
