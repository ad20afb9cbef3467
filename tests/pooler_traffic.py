"""Two tenants' requests at once, through whatever DATABASE_URL leads to: `python -m tests.pooler_traffic 10000`.

A process of its own, because a test's transaction would hold one connection for all. One request in ten goes through
the whole ASGI application (lists, changes, streamed answers); the others are what its views do: a read, a write, a
transaction with a savepoint that rolls back, a transaction that looks at both tenants. Every row says whose it is.
Prints what happened as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")
os.environ |= {"DATABASE_POOL_SIZE": "10", "DATABASE_THREADS": "8", "LOG_LEVEL": "ERROR"}
os.environ |= dict.fromkeys(("API_RATE", "CHAT_RATE", "TENANT_RATE", "ADDRESS_RATE"), "0")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections, transaction  # noqa: E402

from bots.models import BotProfile  # noqa: E402
from conversations.models import Chat  # noqa: E402
from knowledge.indexing.ingestion import ingest  # noqa: E402
from knowledge.models import Chunk, Source  # noqa: E402
from knowledge.sources.homes import private_dataset  # noqa: E402,
from minirag.asgi import application  # noqa: E402
from tenants.context import run_sync, tenant_context  # noqa: E402
from tenants.models import Tenant, TenantStatus  # noqa: E402
from tenants.provisioning import provision_tenant  # noqa: E402

CLIENTS = 24
SLUGS = ("acme", "globex")


class Crossed(Exception):
    """A tenant saw what is another's, or not what is its own."""


@dataclass(frozen=True)
class Party:
    """A tenant, its bot, and its owner's token; everything it has is named after it."""

    tenant: Tenant
    token: str
    bot_id: str

    def check(self, texts: list[str]) -> None:
        if not texts or any(not text.startswith(self.tenant.slug) for text in texts):
            raise Crossed(f"{self.tenant.slug} saw {sorted(set(texts))[:3]}")


def make_party(slug: str) -> Party:
    made = provision_tenant(
        name=slug,
        slug=slug,
        owner_email=f"owner@{slug}.example.com",
        owner_password="correct horse battery",
    )
    with tenant_context(made.tenant):
        bot = BotProfile.objects.create(
            name=f"{slug} bot", embedding_model="minirag/hash", refuses=False
        )
        source = Source.objects.create(
            bot_profile=bot,
            dataset=private_dataset(bot),
            name=f"{slug} notes",
            source_type="text",
            content=f"{slug} opens its doors to every visitor at nine o'clock in the morning.",
        )
        ingest(source.pk)
    return Party(made.tenant, made.raw_token, str(bot.pk))


# --- What views do --------------------------------------------------------------------------------------------------
def read(party: Party, other: Party) -> None:
    party.check(list(BotProfile.objects.values_list("name", flat=True)))
    party.check(list(Chunk.objects.values_list("content", flat=True)))


def write(party: Party, other: Party) -> None:
    chat = Chat.objects.create(bot_profile_id=party.bot_id, title=f"{party.tenant.slug} asks")
    Chat.objects.filter(pk=chat.pk).update(visitor_id="v")
    party.check(list(Chat.objects.filter(pk=chat.pk).values_list("title", flat=True)))
    party.check(list(Chat.objects.order_by("-created_at").values_list("title", flat=True)[:20]))


def roll_back(party: Party, other: Party) -> None:
    with transaction.atomic():
        party.check(list(BotProfile.objects.values_list("name", flat=True)))
        try:
            with tenant_context(other.tenant), transaction.atomic():
                Chat.objects.create(bot_profile_id=other.bot_id, title="never")
                raise KeyError
        except KeyError:
            pass
        party.check(list(Source.objects.values_list("name", flat=True)))


def look_at_both(party: Party, other: Party) -> None:
    with transaction.atomic():
        for one in (party, other, party):
            with tenant_context(one.tenant):
                one.check(list(BotProfile.objects.values_list("name", flat=True)))
        with tenant_context(None):
            Tenant.objects.filter(status=TenantStatus.ACTIVE).count()


WORK = (read, read, read, write, roll_back, look_at_both)


# --- Whole requests -------------------------------------------------------------------------------------------------
async def call(party: Party, method: str, path: str, body: Any = None) -> tuple[int, str]:
    content = b"" if body is None else json.dumps(body).encode()
    headers = {
        "host": "localhost", "authorization": f"Bearer {party.token}", "content-type": "application/json",
        "content-length": str(len(content)),
    }  # fmt: skip
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "scheme": "http", "server": ("localhost", 8000), "client": ("127.0.0.1", 5), "root_path": "",
    }  # fmt: skip
    messages = [{"type": "http.request", "body": content, "more_body": False}]
    answer: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: dict[str, Any]) -> None:
        answer.append(message)

    await application(scope, receive, send)
    return answer[0]["status"], b"".join(part.get("body", b"") for part in answer[1:]).decode()


async def request(party: Party, number: int) -> int:
    """Send one of the requests; returns its status. Raises Crossed."""
    if number % 8 == 0:
        asked = {
            "bot_profile_id": party.bot_id,
            "message": f"{party.tenant.slug} opens when?",
            "stream": True,
        }
        status, text = await call(party, "POST", "/v1/chat", asked)
        if status == 200 and (party.tenant.slug not in text or "event: done" not in text):
            raise Crossed(text[:300])
    elif number % 8 == 1:
        name = f"{party.tenant.slug} bot"
        path = f"/v1/bot-profiles/{party.bot_id}"
        status, text = await call(party, "PATCH", path, {"name": name})
        if status == 200:
            party.check([json.loads(text)["name"]])
    else:
        status, text = await call(party, "GET", "/v1/bot-profiles")
        if status == 200:
            party.check([bot["name"] for bot in json.loads(text)])
    return status


async def run_client(numbers: list[int], parties: list[Party], found: Counter[str]) -> None:
    chance = random.Random(numbers[0])
    for number in numbers:
        party, other = chance.sample(parties, 2)
        try:
            if number % 10 == 0:
                found[f"status {await request(party, number // 10)}"] += 1
            else:
                with tenant_context(party.tenant):
                    await run_sync(chance.choice(WORK), party, other)
                found["worked"] += 1
        except Crossed as error:
            found["crossed"] += 1
            print(error, file=sys.stderr)
        except Exception as error:  # noqa: BLE001 - what a view would have made a 500 of
            found["failed"] += 1
            print(repr(error)[:300], file=sys.stderr)


async def run_clients(requests: int, parties: list[Party]) -> Counter[str]:
    found: Counter[str] = Counter()
    numbers = list(range(requests))
    async with asyncio.TaskGroup() as group:
        for client in range(CLIENTS):
            group.create_task(run_client(numbers[client::CLIENTS], parties, found))
    return found


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    both = [make_party(slug) for slug in SLUGS]
    connections.close_all()
    print(json.dumps(asyncio.run(run_clients(int(sys.argv[1]), both))))
