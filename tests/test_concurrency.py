"""Twenty tenants at once over HTTP, Server-Sent Events and WebSocket under the real Daphne: nothing crosses.

Each tenant knows one codeword. Whatever a tenant gets to see, in lists, answers, sources and socket frames, must hold
its own codeword and nobody else's.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import secrets
from collections import Counter

import httpx
import pytest
import websockets

from tests.product import Product, TenantAccount

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]

TENANTS, REQUESTS, AT_ONCE = 20, 2000, 40
CODEWORD = re.compile(r"codeword-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def crowd(product: Product) -> dict[str, TenantAccount]:
    """Twenty tenants, by codeword."""
    accounts: dict[str, TenantAccount] = {}
    sources = []
    for number in range(TENANTS):
        codeword = f"codeword-{secrets.token_hex(6)}"
        account = product.sign_up(f"crowd-{number:02d}")
        product.make_bot(account, name=f"Bot {codeword}", embedding_model="minirag/hash")
        settings = f"/v1/bot-profiles/{account.bot_id}/settings"
        assert (
            account.client.patch(settings, json={"allowed_origins": [product.base_url]}).status_code
            == 200
        )
        created = account.client.post(
            "/v1/sources",
            json={
                "bot_profile_id": account.bot_id,
                "name": f"Notes {codeword}",
                "source_type": "text",
                "content": f"The secret codeword of this house is {codeword}. Tell it to whoever asks for it.",
            },
        ).json()
        assert account.client.post(f"/v1/sources/{created['id']}/ingest").status_code == 202
        sources.append((account, created["id"]))
        accounts[codeword] = account
    for account, source_id in sources:
        product.wait_until_ready(account, source_id)
    return accounts


class Crossings:
    """Counts what each tenant saw."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.foreign: list[tuple[str, str, str]] = []
        self.failures: list[str] = []

    def check(self, kind: str, codeword: str, text: str) -> None:
        self.kinds[kind] += 1
        seen = set(CODEWORD.findall(text))
        if not seen:
            self.failures.append(f"{kind}: no codeword in {text[:300]}")
        self.foreign += [(kind, codeword, other) for other in seen - {codeword}]


async def read_list(client: httpx.AsyncClient, account: TenantAccount, path: str) -> str:
    answer = await client.get(path, headers={"Authorization": f"Bearer {account.token}"})
    assert answer.status_code == 200, answer.text
    return answer.text


async def ask_sse(client: httpx.AsyncClient, account: TenantAccount) -> str:
    body = {
        "bot_profile_id": account.bot_id,
        "message": "What is the secret codeword of this house?",
        "stream": True,
    }
    headers = {"Authorization": f"Bearer {account.token}"}
    parts = []
    async with client.stream("POST", "/v1/chat", json=body, headers=headers) as response:
        assert response.status_code == 200
        async for line in response.aiter_lines():
            parts.append(line)
            await asyncio.sleep(random.random() * 0.002)
    assert any(part == "event: done" for part in parts), parts[-4:]
    return "".join(
        json.loads(p.removeprefix("data: ")).get("content", "")
        for p in parts
        if p.startswith("data: ")
    ) + ("\n".join(parts))


async def ask_socket(
    client: httpx.AsyncClient, product: Product, account: TenantAccount, turns: int
) -> list[str]:
    origin = product.base_url
    session = await client.post(
        "/v1/widget/sessions",
        json={"bot_profile_id": account.bot_id, "visitor_id": secrets.token_hex(12)},
        headers={"Origin": origin},
    )
    assert session.status_code == 201, session.text
    seen = []
    url = product.base_url.replace("http", "ws") + "/ws/chat/"
    async with websockets.connect(url, origin=origin) as socket:
        await socket.send(
            json.dumps({"type": "authenticate", "session_token": session.json()["session_token"]})
        )
        assert json.loads(await socket.recv())["type"] == "authenticated"
        for _ in range(turns):
            await socket.send(
                json.dumps(
                    {"type": "question", "message": "What is the secret codeword of this house?"}
                )
            )
            frames = []
            while True:
                frame = json.loads(await socket.recv())
                assert frame["type"] != "error", frame
                frames.append(json.dumps(frame))
                if frame["type"] == "done":
                    break
            seen.append("\n".join(frames))
    return seen


async def run_crowd(product: Product, crowd: dict[str, TenantAccount]) -> Crossings:
    result, gate, dice = Crossings(), asyncio.Semaphore(AT_ONCE), random.Random(7)
    limits = httpx.Limits(max_connections=AT_ONCE)

    async def one(kind: str, codeword: str, client: httpx.AsyncClient) -> None:
        account = crowd[codeword]
        async with gate:
            if kind == "socket":
                for text in await ask_socket(client, product, account, 4):
                    result.check(kind, codeword, text)
            elif kind == "sse":
                result.check(kind, codeword, await ask_sse(client, account))
            else:
                result.check(kind, codeword, await read_list(client, account, kind))

    jobs = [
        ("socket", word) for word in crowd for _ in range(2)
    ]  # 2 sockets of 4 turns for each tenant
    jobs += [("sse", word) for word in crowd for _ in range(8)]
    paths = ("/v1/bot-profiles", "/v1/sources")
    rest = REQUESTS - 4 * 2 * TENANTS - 8 * TENANTS
    jobs += [(dice.choice(paths), dice.choice(list(crowd))) for _ in range(rest)]
    dice.shuffle(jobs)
    async with httpx.AsyncClient(base_url=product.base_url, timeout=120, limits=limits) as client:
        await asyncio.gather(*(one(kind, word, client) for kind, word in jobs))
    return result


def test_two_thousand_interleaved_requests_of_twenty_tenants_never_cross(product, crowd):
    result = asyncio.run(run_crowd(product, crowd))
    assert sum(result.kinds.values()) >= REQUESTS, result.kinds
    assert result.foreign == []
    assert result.failures == []


def test_what_was_stored_lies_with_its_own_tenant(product, crowd):
    for codeword, account in list(crowd.items())[:5]:
        chats = account.client.get("/v1/chat", params={"limit": 100}).json()
        assert chats
        messages = account.client.get(f"/v1/chat/{chats[0]['id']}/messages").text
        assert set(CODEWORD.findall(messages)) == {codeword}
