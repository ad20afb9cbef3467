"""Several web processes on one port: what is counted and kept is the same in all, and they are replaced under load."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import websockets

from tests.fakes.openai_server import FakeOpenAI
from tests.product import Product
from tests.test_crash import find_processes
from tests.test_deploys import ANSWER, QUESTION, Party

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with tempfile.TemporaryDirectory(prefix="minirag-rolling-") as name:
        product = Product(Path(name), {"WEB_PROCESSES": "2"})
        product.start()
        yield product
        product.stop()


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as provider:
        yield provider


@pytest.fixture(scope="module")
def acme(product: Product, provider: FakeOpenAI) -> Party:
    return Party(product, provider, "rolling-acme")


@pytest.fixture(scope="module")
def globex(product: Product, provider: FakeOpenAI) -> Party:
    return Party(product, provider, "rolling-globex")


def list_webs(product: Product) -> set[int]:
    return set(find_processes(product, "daphne"))


def test_all_processes_take_connections_from_the_one_port(product):
    assert "with 2 web processes" in product.output
    before = {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in list_webs(product)}
    with contextlib.ExitStack() as stack:
        deadline = time.monotonic() + 60
        while min(taken := count_new(before)) < 5:
            assert time.monotonic() < deadline, taken
            stack.enter_context(socket.create_connection(("127.0.0.1", product.port)))
            time.sleep(0.05)


def count_new(before: dict[int, int]) -> list[int]:
    return [len(os.listdir(f"/proc/{pid}/fd")) - count for pid, count in before.items()]


def test_a_quota_is_exact_and_an_answer_is_read_on_whichever_process_is_asked(
    product, acme, globex
):
    bot_id = acme.steady
    quota = acme.account.client.post("/v1/quotas", json={"resource": "messages", "limit": 7}).json()
    body = {"bot_profile_id": bot_id, "message": "Who counts?"}

    def ask(party: Party, fields: dict) -> int:
        return httpx.post(
            f"{product.base_url}/v1/chat", json=fields, headers=party.headers, timeout=120
        ).status_code

    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(lambda _: ask(acme, body), range(12)))
        assert sorted(codes) == [200] * 7 + [429] * 5
    acme.account.client.delete(f"/v1/quotas/{quota['id']}")
    assert ask(globex, body | {"bot_profile_id": globex.steady}) == 200

    with acme.ask(product, bot_id) as stream:
        stream.read_until("delta")
        turn_id = stream.response.headers["X-Turn-ID"]
        for _ in range(6):  # each on a connection of its own
            with acme.resume(product, turn_id, 0) as again:
                again.read_rest()
            assert (again.text, again.names[-1]) == (ANSWER, "done")
        with globex.resume(product, turn_id, 0) as foreign:
            assert foreign.response.status_code == 404
    with acme.ask(product, acme.stalling) as stream:
        stream.read_until("delta")
        turn_id = stream.response.headers["X-Turn-ID"]
        for _ in range(3):
            url = f"{product.base_url}/v1/turns/{turn_id}/stop"
            assert httpx.post(url, headers=acme.headers, timeout=60).status_code == 202
        stream.read_rest()
        assert stream.names[-1] == "done"


class Load:
    """People who talk without a pause while something is done to the product; what went wrong is in `troubles`."""

    def __init__(self, product: Product, party: Party) -> None:
        self.product, self.party = product, party
        self.over = threading.Event()
        self.asked: list[str] = []
        self.troubles: list[str] = []

    def __enter__(self) -> Load:
        ways: list[Callable[[], None]] = [
            self._stream, self._stream, self._answer, self._look_again, self._look_afresh, self._talk,
        ]  # fmt: skip
        self._pool = ThreadPoolExecutor(len(ways))
        self._running = [self._pool.submit(way) for way in ways]
        return self

    def __exit__(self, *exception: object) -> None:
        self.over.set()
        self._pool.shutdown()
        self.troubles = [repr(error) for way in self._running if (error := way.exception())]

    def _client(self) -> httpx.Client:
        """One that keeps its connection."""
        return httpx.Client(base_url=self.product.base_url, headers=self.party.headers, timeout=120)

    def _ask(self) -> dict:
        self.asked.append(f"{QUESTION} {secrets.token_hex(4)}")
        return {"bot_profile_id": self.party.steady, "message": self.asked[-1]}

    def _stream(self) -> None:
        with self._client() as client:
            while not self.over.is_set():
                body = {**self._ask(), "stream": True}
                with client.stream("POST", "/v1/chat", json=body) as response:
                    text = response.read().decode()
                assert response.status_code == 200 and "event: done" in text, text
                assert body["message"].split()[-1] in text

    def _answer(self) -> None:
        with self._client() as client:
            while not self.over.is_set():
                body = self._ask()
                answer = client.post("/v1/chat", json=body)
                assert answer.status_code == 200, answer.text
                assert body["message"] in answer.text

    def _look_again(self) -> None:
        """On a connection that is kept for longer than others take between two requests."""
        with self._client() as client:
            while not self.over.wait(4.0):
                assert client.get("/v1/chat").status_code == 200

    def _look_afresh(self) -> None:
        while not self.over.wait(0.05):
            with socket.create_connection(("127.0.0.1", self.product.port), 60) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert b" 200 " in connection.recv(4096).partition(b"\r\n")[0]

    def _talk(self) -> None:
        asyncio.run(self._talk_over_sockets())

    async def _talk_over_sockets(self) -> None:
        """A widget: sent elsewhere (4503) it connects again, and asks again what it has no whole answer to."""
        opened = httpx.post(
            f"{self.product.base_url}/v1/widget/sessions",
            json={"bot_profile_id": self.party.steady, "visitor_id": secrets.token_hex(12)},
            headers={"Origin": self.product.base_url},
            timeout=60,
        )
        token, waiting = opened.json()["session_token"], None
        while not self.over.is_set():
            address = f"{self.product.base_url.replace('http', 'ws', 1)}/ws/chat/"
            try:
                async with websockets.connect(
                    address, origin=self.product.base_url, open_timeout=120, ping_interval=None
                ) as connection:
                    await connection.send(
                        json.dumps({"type": "authenticate", "session_token": token})
                    )
                    while not self.over.is_set():
                        waiting = waiting or self._ask()["message"]
                        name = waiting.split()[-1]
                        await connection.send(
                            json.dumps({"type": "question", "message": waiting, "request_id": name})
                        )
                        while (frame := json.loads(await connection.recv()))["type"] != "done":
                            assert frame["type"] != "error", frame
                        waiting = None
            except websockets.ConnectionClosed as closed:
                assert closed.rcvd is not None and closed.rcvd.code == 4503, closed


def test_a_rolling_restart_refuses_nobody_cuts_no_answer_and_does_nothing_twice(product, acme):
    old = list_webs(product)
    with Load(product, acme) as load:
        time.sleep(2)
        product.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 400
        while not re.search("all are replaced", product.output):
            assert time.monotonic() < deadline, product.output[-3000:]
            time.sleep(0.2)
    assert load.troubles == []
    assert len(list_webs(product)) == 2 and not list_webs(product) & old
    assert len(load.asked) > 20
    rows = acme.query(
        "SELECT q.content, count(a.id), min(q.outcome) FROM {}.conversations_message q"
        " LEFT JOIN {}.conversations_message a ON a.question_id = q.id"
        " WHERE q.role = 'user' GROUP BY q.id"
    )
    kept = sorted(row for row in rows if row[0] in set(load.asked))
    assert kept == [(question, 1, "answered") for question in sorted(load.asked)]
