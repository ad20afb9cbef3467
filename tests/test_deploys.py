"""A deploy under running answers: two real web processes, of which one is told to stop, or is killed, in mid-stream.

The other one, which stays, is the running product's own.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import websockets

from tests.fakes.openai_server import FakeOpenAI
from tests.product import Product
from tests.test_crash import query, query_none
from tests.web_process import WebProcess

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]

QUESTION = "one two three four five six seven eight nine ten eleven twelve"
ANSWER = f"You said: {QUESTION}"
SWEEP = """
from conversations.following.orphans import end_orphans
from conversations.turns.schemas import tell_error
from tenants.context import tenant_context
from tenants.models import Tenant
with tenant_context(Tenant.objects.get(schema_name="{schema}")):
    end_orphans(tell_error)
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as provider:
        yield provider


class Party:
    """A tenant of the running product with bots whose models speak slowly, or stop in the middle and never go on."""

    def __init__(self, product: Product, provider: FakeOpenAI, slug: str) -> None:
        self.product, self.account = product, product.sign_up(slug)
        self.schema = f"t_{slug.replace('-', '_')}"
        self.steady = self._make_bot(provider, "openai/steady-200")
        self.stalling = self._make_bot(provider, "openai/stall")

    def _make_bot(self, provider: FakeOpenAI, model: str) -> str:
        credentials = {"api_key": "sk-test", "api_base": provider.base_url}
        bot_id = self.product.make_bot(self.account, model=model, credentials=credentials)
        settings = {"refuses": False, "allowed_origins": [self.product.base_url]}
        self.account.client.patch(f"/v1/bot-profiles/{bot_id}/settings", json=settings)
        return bot_id

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.account.token}"}

    def query(self, sql: str) -> list[tuple]:
        return query(self.product, sql.replace("{}", f'"{self.schema}"'))

    @contextmanager
    def ask(self, web: WebProcess, bot_id: str, **fields) -> Iterator[Stream]:
        body = {"bot_profile_id": bot_id, "message": QUESTION, "stream": True, **fields}
        with httpx.stream(
            "POST", f"{web.base_url}/v1/chat", json=body, headers=self.headers, timeout=120
        ) as response:
            assert response.status_code == 200, response.read()
            yield Stream(response)

    @contextmanager
    def resume(self, web: WebProcess | Product, turn_id: str, after: int) -> Iterator[Stream]:
        headers = {**self.headers, "Last-Event-ID": str(after)}
        url = f"{web.base_url}/v1/turns/{turn_id}/events?extended=true"
        with httpx.stream("GET", url, headers=headers, timeout=120) as response:
            yield Stream(response)


class Stream:
    """Server-Sent Events as they come: (number, name, data)."""

    def __init__(self, response: httpx.Response) -> None:
        self.response, self.seen = response, []
        self._lines = response.iter_lines()

    def __iter__(self) -> Iterator[tuple[int, str, dict]]:
        number, name = 0, ""
        for line in self._lines:
            key, _, value = line.partition(": ")
            if key == "id":
                number = int(value)
            elif key == "event":
                name = value
            elif key == "data":
                self.seen.append((number, name, json.loads(value)))
                yield self.seen[-1]

    def read_until(self, name: str, count: int = 1) -> None:
        for _, seen, _ in self:
            count -= seen == name
            if not count:
                return
        raise AssertionError(f"the stream ended without {name}: {self.seen}")

    def read_rest(self) -> None:
        for _ in self:
            pass

    @property
    def names(self) -> list[str]:
        return [name for _, name, _ in self.seen]

    @property
    def text(self) -> str:
        return "".join(data["content"] for _, name, data in self.seen if name == "delta")


@pytest.fixture(scope="module")
def acme(product, provider) -> Party:
    return Party(product, provider, "deploy-acme")


@pytest.fixture(scope="module")
def globex(product, provider) -> Party:
    return Party(product, provider, "deploy-globex")


def test_a_running_answer_ends_whole_and_new_ones_are_sent_elsewhere(product, acme):
    with WebProcess(product) as web, acme.ask(web, acme.steady) as stream:
        stream.read_until("delta")
        web.terminate()
        assert web.get_health() == 503
        refused = httpx.post(
            f"{web.base_url}/v1/chat",
            json={"bot_profile_id": acme.steady, "message": "New?"},
            headers=acme.headers,
        )
        assert (refused.status_code, refused.json()["code"]) == (503, "server_stopping")
        assert refused.json()["retryable"] and int(refused.headers["Retry-After"]) > 0
        assert httpx.get(f"{web.base_url}/v1/chat", headers=acme.headers).status_code == 200
        stream.read_rest()
        assert (stream.text, stream.names[-1]) == (ANSWER, "done")
        assert web.process.wait(60) == 0, web.log


def test_an_answer_that_takes_too_long_is_stored_as_stopped_and_its_reader_told(product, acme):
    made = acme.account.client.post("/v1/quotas", json={"resource": "messages", "limit": 1000})
    quota = f"/v1/quotas/{made.json()['id']}"
    before = acme.account.client.get(quota).json()["used"]
    with (
        WebProcess(product, {"SHUTDOWN_GRACE_SECONDS": "4"}) as web,
        acme.ask(web, acme.stalling) as stream,
    ):
        stream.read_until("delta")
        turn_id = stream.response.headers["X-Turn-ID"]
        web.terminate()
        stream.read_rest()
        web.process.wait(60)
    error = stream.seen[-1][2]
    assert (stream.names[-1], error["code"], error["retryable"]) == (
        "error",
        "server_stopping",
        True,
    )
    stored = acme.query(
        f"SELECT role, content, outcome, error_code FROM {{}}.conversations_message "
        f"WHERE id = '{turn_id}' OR question_id = '{turn_id}' ORDER BY created_at"
    )
    assert stored == [
        ("user", QUESTION, "stopped", "server_stopping"),
        ("assistant", stream.text, "stopped", "server_stopping"),
    ]
    assert acme.account.client.get(quota).json()["used"] == before, "it was no answer"
    [(prompt_tokens, completion_tokens)] = acme.query(
        "SELECT u.prompt_tokens, u.completion_tokens FROM {}.bots_usageevent u JOIN "
        f"{{}}.conversations_message m ON m.id = u.message_id WHERE m.question_id = '{turn_id}' AND u.kind = 'chat'"
    )
    assert prompt_tokens > 0 and completion_tokens > 0


def test_a_turn_that_its_reader_left_is_finished_and_read_on_in_another_process(
    product, acme, globex
):
    new = product
    with WebProcess(product) as old:
        with acme.ask(old, acme.steady, extended=True) as stream:
            stream.read_until("delta", 2)
            turn_id, last = stream.response.headers["X-Turn-ID"], stream.seen[-1][0]
        with globex.resume(new, turn_id, 0) as foreign:
            assert foreign.response.status_code == 404
        with acme.resume(new, turn_id, last) as rest:
            assert rest.response.status_code == 200
            rest.read_rest()
        assert [number for number, _, _ in rest.seen] == list(
            range(last + 1, last + 1 + len(rest.seen))
        )
        assert stream.text + rest.text == ANSWER
        assert rest.names[-1] == "done" and rest.seen[-1][2]["content"] == ANSWER
        with acme.resume(new, turn_id, 0) as whole:
            whole.read_rest()
        assert whole.text == ANSWER and whole.seen[0][:2] == (1, "sources")


def test_a_turn_is_stopped_from_another_process(product, acme, globex):
    with (
        WebProcess(product) as old,
        acme.ask(old, acme.stalling, extended=True) as stream,
    ):
        stream.read_until("delta")
        url = f"{product.base_url}/v1/turns/{stream.response.headers['X-Turn-ID']}/stop"
        assert httpx.post(url, headers=globex.headers).status_code == 404
        assert httpx.post(url, headers=acme.headers).status_code == 202
        stream.read_rest()
    done = stream.seen[-1][2]
    assert (stream.names[-1], done["stopped"], done["content"]) == ("done", True, stream.text)


def test_a_killed_process_is_told_as_interrupted_and_what_it_said_is_kept(product, acme):
    made = acme.account.client.post(
        "/v1/quotas", json={"resource": "messages", "period": "day", "limit": 1000}
    )
    quota = f"/v1/quotas/{made.json()['id']}"
    before = acme.account.client.get(quota).json()["used"]
    new = product
    with WebProcess(product) as old:
        with pytest.raises(httpx.HTTPError), acme.ask(old, acme.stalling) as stream:
            stream.read_until("delta")
            turn_id = stream.response.headers["X-Turn-ID"]
            with acme.resume(new, turn_id, 0) as journal:
                journal.read_until("delta")  # it is written down
            old.process.kill()
            stream.read_rest()
        assert acme.account.client.get(quota).json()["used"] == before + 1
        with acme.resume(new, turn_id, 0) as rest:
            rest.read_rest()
        assert rest.seen[-1][2]["code"] == "interrupted" and rest.seen[-1][2]["retryable"]
    query_none(
        product,
        f"UPDATE \"{acme.schema}\".conversations_message SET created_at = now() - interval '1 minute' "
        f"WHERE id = '{turn_id}'",
    )
    product.manage("shell", "-c", SWEEP.format(schema=acme.schema))
    assert acme.account.client.get(quota).json()["used"] == before
    assert acme.query(
        f"SELECT outcome, error_code FROM {{}}.conversations_message WHERE id = '{turn_id}'"
    ) == [("failed", "interrupted")]
    [(said, outcome)] = acme.query(
        f"SELECT content, outcome FROM {{}}.conversations_message WHERE question_id = '{turn_id}'"
    )
    assert outcome == "failed" and said and said == rest.text


class Widget:
    """A visitor of acme's page, who opens sockets as the widget does."""

    def __init__(self, party: Party, bot_id: str) -> None:
        self.party, self.origin = party, party.product.base_url
        session = httpx.post(
            f"{self.origin}/v1/widget/sessions",
            json={"bot_profile_id": bot_id, "visitor_id": secrets.token_hex(12)},
            headers={"Origin": self.origin},
        )
        self.token = session.json()["session_token"]

    async def open(self, web: WebProcess | Product) -> websockets.ClientConnection:
        url = web.base_url.replace("http", "ws") + "/ws/chat/"
        socket = await websockets.connect(url, origin=self.origin)
        await socket.send(json.dumps({"type": "authenticate", "session_token": self.token}))
        assert json.loads(await socket.recv())["type"] == "authenticated"
        return socket

    async def read_until(self, socket, *names: str) -> list[dict]:
        frames = []
        while not frames or frames[-1]["type"] not in names:
            frames.append(json.loads(await asyncio.wait_for(socket.recv(), 60)))
        return frames


async def close_code(socket) -> int:
    await asyncio.wait_for(socket.wait_closed(), 60)
    return socket.close_code


def test_idle_sockets_close_at_once_and_busy_ones_with_their_answer(product, acme):
    async def talk() -> None:
        busy, idle = Widget(acme, acme.steady), Widget(acme, acme.steady)
        with WebProcess(product) as web:
            first, second = await busy.open(web), await idle.open(web)
            await first.send(json.dumps({"type": "question", "message": QUESTION}))
            await busy.read_until(first, "delta")
            await asyncio.to_thread(web.terminate)
            assert await close_code(second) == 4503
            frames = await busy.read_until(first, "done")
            assert frames[-1]["content"] == ANSWER
            assert await close_code(first) == 4503
            assert await asyncio.to_thread(web.process.wait, 60) == 0

    asyncio.run(talk())


def test_a_visitor_reads_on_over_a_new_socket_to_another_process(product, acme, globex):
    async def talk() -> None:
        visitor, other = Widget(acme, acme.steady), Widget(acme, acme.steady)
        stranger = Widget(globex, globex.steady)
        resume = {"type": "resume", "request_id": "turn-1", "after": 3}
        new = product
        with WebProcess(product) as old:
            socket = await visitor.open(old)
            asked = {"type": "question", "message": QUESTION, "request_id": "turn-1"}
            await socket.send(json.dumps(asked))
            heard = await visitor.read_until(socket, "delta")
            heard += await visitor.read_until(socket, "delta")
            socket.transport.abort()
            for nobody in (other, stranger):
                tried = await nobody.open(new)
                await tried.send(json.dumps(resume))
                [refused] = await nobody.read_until(tried, "error")
                assert refused["code"] == "not_found"
                await tried.close()
            assert [frame["number"] for frame in heard] == [1, 2, 3]
            again = await visitor.open(new)
            await again.send(json.dumps(resume))
            rest = await visitor.read_until(again, "done")
            said = "".join(f["content"] for f in heard + rest if f["type"] == "delta")
            assert said == rest[-1]["content"] == ANSWER
            assert {frame["request_id"] for frame in rest} == {"turn-1"}
            await again.close()

    asyncio.run(talk())
