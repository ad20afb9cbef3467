"""Lists over a million messages, over HTTP: chats, messages of a chat, the chat log with its filters."""

from __future__ import annotations

import time

import httpx

from bench.dialogues import fill_tenant
from bench.product import House
from bench.report import Budget, Report, quantile
from tests.product import TenantAccount

BUDGET = Budget(150)
SEARCH = Budget(1500, why="of 20,000 texts")
MESSAGES_OF_A_CHAT = 10


def measure_lists(house: House, report: Report, *, rows: int, quick: bool) -> None:
    """p95 of each list against a budget; p50 beside it."""
    account = fill_tenant(house, "bench-lists", messages=rows, chats=rows // MESSAGES_OF_A_CHAT)
    client = account.client
    chat = client.get("/v1/chat?limit=1").json()[0]
    log = client.get("/v1/chat-logs?limit=1").json()["items"][0]
    old = walk(account, "/v1/chat-logs?limit=100", pages=20)
    plans = {
        "chats": "/v1/chat?limit=50",
        "chats of a bot": f"/v1/chat?limit=50&bot_profile_id={chat['bot_profile_id']}",
        "messages of a chat": f"/v1/chat/{chat['id']}/messages",
        "turns of a chat": f"/v1/chat/{chat['id']}/logs",
        "chat log": "/v1/chat-logs?limit=50",
        "chat log, 2,000 turns down": f"/v1/chat-logs?limit=50&cursor={old}",
        "chat log of a bot": f"/v1/chat-logs?limit=50&bot_profile_id={chat['bot_profile_id']}",
        "chat log, refused": "/v1/chat-logs?limit=50&refusal_only=true",
        "chat log, badly cited": "/v1/chat-logs?limit=50&citation_valid=false",
        "chat log, disliked": "/v1/chat-logs?limit=50&feedback=negative",
        "chat log of a request": f"/v1/chat-logs?request_id={log['request_id']}",
        "chat log of a day": "/v1/chat-logs?limit=50&from_date=2026-01-01",
        "chat log, text that is nowhere": "/v1/chat-logs?limit=50&q=nowhere+to+be+found",
    }
    for name, path in plans.items():
        times = time_calls(account.client, path, 5 if quick or "nowhere" in name else 30)
        budget = SEARCH if "nowhere" in name else BUDGET
        report.add(
            "lists",
            f"{name}: p95",
            quantile(times, 0.95),
            "ms",
            budget,
            note=f"p50 {quantile(times, 0.5):.0f}",
        )


def walk(account: TenantAccount, path: str, *, pages: int) -> str:
    """Return the cursor behind so many pages."""
    cursor = ""
    for _ in range(pages):
        cursor = (
            account.client.get(f"{path}&cursor={cursor}" if cursor else path).json()["next_cursor"]
            or cursor
        )
    return cursor


def time_calls(client: httpx.Client, path: str, count: int) -> list[float]:
    """Milliseconds of each call, one after another."""
    times = []
    for number in range(count + 1):
        started = time.monotonic()
        response = client.get(path, timeout=120)
        assert response.status_code == 200, response.text
        if number:  # the first one warms up
            times.append((time.monotonic() - started) * 1000)
    return times
