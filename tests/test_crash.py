"""kill -9 in the middle: the worker while it ingests, the web process while it streams. Nothing accepted is lost.

A dead worker's lease ends after minutes; they are not waited for but let pass (`let_time_pass`).
"""

from __future__ import annotations

import json
import os
import signal
import time

import httpx
import psycopg
import pytest

from tests.fakes.openai_server import FakeOpenAI
from tests.product import Product, TenantAccount, find_processes

CHAT = "c4a70000-0000-4000-8000-000000000009"
pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]


def query(product: Product, sql: str) -> list[tuple]:
    with psycopg.connect(product.settings["DATABASE_URL"]) as connection:
        return connection.execute(sql).fetchall()


def query_none(product: Product, sql: str) -> None:
    with psycopg.connect(product.settings["DATABASE_URL"]) as connection:
        connection.execute(sql)


def let_time_pass(product: Product, account: TenantAccount, minutes: int = 5) -> None:
    """Move a tenant's leases, signs of life and reminders back, as if its workers had been silent for so long.

    Only when nothing of the tenant runs: what is alive would be taken for dead.
    """
    schema, ago = f"t_{account.slug.replace('-', '_')}", f"interval '{minutes} minutes'"
    columns = query(
        product,
        "SELECT table_name, column_name FROM information_schema.columns"
        f" WHERE table_schema = '{schema}' AND column_name IN ('heartbeat_at', 'next_attempt_at')",
    )
    assert columns, f"{schema} has no leases"
    moves = [f'UPDATE "{schema}"."{table}" SET {name} = {name} - {ago}' for table, name in columns]
    reminders = (
        f"UPDATE tenants_duework SET due_at = due_at - {ago}, claimed_until = claimed_until - {ago}"
    )
    query_none(product, "; ".join([*moves, f"{reminders} WHERE tenant_id = '{account.tenant_id}'"]))


def test_a_worker_killed_in_mid_ingestion_loses_nothing_and_shows_nothing_half(product):
    """It dies within the transaction that puts what it has read in the place of what was there."""
    account = product.sign_up("crash-worker")
    bot_id = product.make_bot(account)
    text = "\n\n".join(
        f"# Chapter {n}\n\nPart {n} of the machine is called widget-{n} and weighs {n} grams. "
        + "It is robust. " * 30
        for n in range(40)
    )
    created = account.client.post(
        "/v1/sources",
        json={"bot_profile_id": bot_id, "name": "Long", "source_type": "text", "content": text},
    )
    source_id = created.json()["id"]
    with psycopg.connect(product.settings["DATABASE_URL"]) as connection:
        connection.execute('LOCK TABLE "t_crash_worker".chunk_index IN SHARE MODE')
        assert account.client.post(f"/v1/sources/{source_id}/ingest").status_code == 202
        deadline = time.monotonic() + 240
        while not find_waiting(product):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        workers = find_processes(product, "celery", "worker")
        assert workers
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        assert connection.execute(
            'SELECT count(*) FROM "t_crash_worker".chunk_index'
        ).fetchall() == [(0,)]
    while find_waiting(product):  # what the dead one has asked for comes, and nobody commits it
        assert time.monotonic() < deadline
        time.sleep(0.05)
    half = query(product, 'SELECT count(*) FROM "t_crash_worker".chunk_index')
    assert half == [(0,)], "a reader could see half of an ingestion"
    state = query(product, 'SELECT status FROM "t_crash_worker".knowledge_source')
    assert state == [("processing",)], "it was killed too late"
    let_time_pass(product, account)
    source = product.wait_until_ready(account, source_id, seconds=400)
    assert source["chunk_count"] >= 40
    assert query(product, 'SELECT count(*) FROM "t_crash_worker".chunk_index') == [
        (source["chunk_count"],)
    ]


def find_waiting(product: Product) -> list[tuple]:
    """The server's processes that wait for a lock on the index of the tenant `crash-worker`."""
    return query(
        product,
        """SELECT pid FROM pg_locks WHERE NOT granted AND relation = '"t_crash_worker".chunk_index'::regclass""",
    )


def test_a_web_process_killed_in_mid_stream_keeps_the_question(product):
    account = product.sign_up("crash-web")
    with FakeOpenAI() as provider:
        bot_id = product.make_bot(
            account,
            model="openai/stall",
            credentials={"api_key": "sk-test", "api_base": provider.base_url},
        )
        account.client.patch(f"/v1/bot-profiles/{bot_id}/settings", json={"refuses": False})
        body = {"bot_profile_id": bot_id, "message": "Will this be kept?", "stream": True}
        with (
            pytest.raises(httpx.HTTPError),
            account.client.stream("POST", "/v1/chat", json=body) as response,
        ):
            for line in response.iter_lines():
                print(line[:200])
                if line == "event: delta":
                    for pid in find_processes(product, "daphne"):
                        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 240
    while True:
        try:
            if httpx.get(f"{product.base_url}/health", timeout=60).status_code == 200:
                break
        except httpx.HTTPError:
            assert time.monotonic() < deadline, product.output[-2000:]
        time.sleep(0.2)
    chats = account.client.get("/v1/chat").json()
    messages = account.client.get(f"/v1/chat/{chats[0]['id']}/messages").json()
    assert [(message["role"], message["content"]) for message in messages] == [
        ("user", "Will this be kept?")
    ]


def test_a_worker_killed_in_mid_export_is_followed_by_another_and_the_file_is_whole(product):
    """The file is cut into many parts, so that it is killed between two of them."""
    account = product.sign_up("crash-export")
    bot_id = product.make_bot(account)
    rows, schema = 80_000, '"t_crash_export"'
    query_none(
        product,
        f"""
        INSERT INTO {schema}.conversations_chat (id, bot_profile_id, visitor_id, origin, title, message_count,
            total_prompt_tokens, total_completion_tokens, created_at, updated_at)
        VALUES ('{CHAT}', '{bot_id}', '', '', 'Long', 0, 0, 0, now(), now());
        INSERT INTO {schema}.conversations_message (id, chat_id, role, content, prompt_tokens, completion_tokens,
            outcome, error_code, cut_reason, refusal_reason, feedback_reason, request_id,
            is_asked_back, created_at)
        SELECT gen_random_uuid(), '{CHAT}', 'user', 'text ' || n || repeat(' again', 50), 0, 0,
               'answered', '', '', '', '', '',
               false, now() - interval '1 hour' + n * interval '1 microsecond' FROM generate_series(1, {rows}) AS n""",
    )
    made = account.client.post("/v1/exports", json={"export_type": "messages"}).json()
    deadline = time.monotonic() + 240
    while (job := account.client.get(f"/v1/exports/{made['id']}").json())["rows_done"] == 0:
        assert job["status"] in ("pending", "running") and time.monotonic() < deadline, job
        time.sleep(0.05)
    for pid in find_processes(product, "celery", "worker"):
        os.kill(pid, signal.SIGKILL)
    [(status, done)] = query(
        product, f"SELECT status, rows_done FROM {schema}.conversations_exportjob"
    )
    assert (status, 0 < done < rows) == ("running", True), "it was killed too late"
    let_time_pass(product, account)
    deadline = time.monotonic() + 240
    while (job := account.client.get(f"/v1/exports/{made['id']}").json())["status"] != "succeeded":
        assert job["status"] != "failed" and time.monotonic() < deadline, job
        time.sleep(0.5)
    lines = account.client.get(f"/v1/exports/{made['id']}/download", timeout=120).text.splitlines()
    numbers = [int(json.loads(line)["content"].split()[1]) for line in lines]
    assert numbers == list(range(1, rows + 1))
