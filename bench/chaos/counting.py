"""What a run has left, counted in the database, at the receiver of webhooks and in the files: all of it has to be 0."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from bench.chaos.ledger import MARK
from bench.chaos.scene import Member, Receiver, read_events

KINDS = ("lost", "stuck", "doubled", "half-visible", "crossing", "usage off")
SHOWN = 100

# What still goes on or waits, by kind of work.
_BUSY = {
    "questions": "SELECT count(*) FROM {}.conversations_message WHERE outcome = 'pending'",
    "sources": "SELECT count(*) FROM {}.knowledge_source WHERE status IN ('pending', 'processing')"
    " AND (queued_at IS NOT NULL OR claim_id IS NOT NULL)",
    "deletions": "SELECT count(*) FROM {}.knowledge_source s WHERE deleted_at IS NOT NULL"
    " AND EXISTS (SELECT FROM {}.knowledge_document d WHERE d.source_id = s.id)",
    "exports": "SELECT count(*) FROM {}.conversations_exportjob WHERE status IN ('pending', 'running')",
    "deliveries": "SELECT count(*) FROM {}.webhooks_delivery WHERE status = 'pending'",
}
_LEFT_OF_SOURCE = """
SELECT (SELECT count(*) FROM {}.knowledge_source WHERE id = %(id)s AND deleted_at IS NULL),
       (SELECT count(*) FROM {}.knowledge_document WHERE source_id = %(id)s),
       (SELECT count(*) FROM {}.knowledge_chunk WHERE source_id = %(id)s),
       (SELECT count(*) FROM {}.chunk_index WHERE source_id = %(id)s)"""
_SOURCES = """
SELECT s.id::text, s.name, s.status, s.chunk_count, s.error_message,
       (SELECT count(*) FROM {}.knowledge_chunk c WHERE c.source_id = s.id),
       (SELECT count(*) FROM {}.chunk_index i WHERE i.source_id = s.id)
  FROM {}.knowledge_source s WHERE s.deleted_at IS NULL"""
_QUESTIONS = """
SELECT q.content, q.outcome, count(a.id), min(a.content)
  FROM {}.conversations_message q LEFT JOIN {}.conversations_message a ON a.question_id = q.id
 WHERE q.role = 'user' GROUP BY q.id"""
_ANSWERS_WITHOUT_ONE_EVENT = """
SELECT count(*) FROM (
    SELECT a.id FROM {}.conversations_message a LEFT JOIN {}.bots_usageevent u
        ON u.message_id = a.id AND u.kind = 'chat'
     WHERE a.role = 'assistant' AND a.outcome = 'answered'
     GROUP BY a.id, a.prompt_tokens, a.completion_tokens
    HAVING count(u.id) <> 1 OR min(u.prompt_tokens) <> a.prompt_tokens
        OR min(u.completion_tokens) <> a.completion_tokens
) AS wrong"""
_DAYS_AND_EVENTS = """
SELECT (SELECT row(sum(request_count), sum(total_tokens), sum(cost_usd))::text FROM {}.bots_usageday),
       (SELECT row(count(*), sum(total_tokens), sum(cost_usd))::text FROM {}.bots_usageevent WHERE is_rolled_up)"""
_CHATS_AND_MESSAGES = """
SELECT count(*) FROM {}.conversations_chat c
 WHERE ARRAY[message_count, total_prompt_tokens, total_completion_tokens]::bigint[] IS DISTINCT FROM (
    SELECT ARRAY[count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0)]::bigint[]
      FROM {}.conversations_message m WHERE m.chat_id = c.id)"""
_TEXTS = """
SELECT content FROM {}.conversations_message UNION ALL SELECT content FROM {}.knowledge_chunk"""


@dataclass
class Counts:
    """How often each kind was found, and the first of them in words."""

    found: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, kind: str, what: str) -> None:
        self.found[kind] += 1
        if len(self.examples) < SHOWN:
            self.examples.append(f"{kind}: {what}")


def wait_for_quiet(url: str, members: list[Member], seconds: float) -> float:
    """Waits until nothing waits or runs any more, but not longer than `seconds`; returns how long it took."""
    started = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() - started < seconds:
            busy = sum(
                _ask(connection, member, sql)[0][0] for member in members for sql in _BUSY.values()
            )
            if not busy:
                break
            time.sleep(1)
    return time.monotonic() - started


def count(url: str, members: list[Member], receiver: Receiver) -> Counts:
    """Compares what was promised with what is there."""
    counts = Counts()
    with psycopg.connect(url, autocommit=True) as connection:
        for member in members:
            for kind, what in _judge(connection, member, receiver):
                counts.add(kind, f"{member.account.slug}: {what}")
    return counts


def _judge(
    connection: psycopg.Connection[Any], member: Member, receiver: Receiver
) -> Iterator[tuple[str, str]]:
    yield from (("crossing", what) for what in member.ledger.crossings)
    for name, sql in _BUSY.items():
        yield from [("stuck", f"{name} still wait or run")] * _ask(connection, member, sql)[0][0]
    yield from _judge_questions(_ask(connection, member, _QUESTIONS), member)
    yield from _judge_sources(connection, member)
    yield from _judge_exports(member)
    yield from _judge_deliveries(connection, member, receiver)
    yield from _judge_usage(connection, member)
    for (text,) in _ask(connection, member, _TEXTS):
        foreign = set(MARK.findall(text)) - {member.ledger.mark}
        yield from (("crossing", f"{mark} is stored here") for mark in foreign)


def _judge_questions(rows: list[tuple[Any, ...]], member: Member) -> Iterator[tuple[str, str]]:
    """What failed, or lost its process, may be asked again and stands there too; only one may be answered."""
    kept: dict[str, list[tuple[Any, ...]]] = {}
    for text, *rest in rows:
        kept.setdefault(text, []).append(tuple(rest))
    for asked in member.ledger.asked:
        turns = kept.get(asked.text, [])
        contents = [content for outcome, _, content in turns if outcome == "answered"]
        if asked.is_accepted and not turns:
            yield "lost", f"an accepted question is not stored: {asked.text}"
        if len(contents) > 1 or any(answers > 1 for _, answers, _ in turns):
            yield "doubled", f"{len(contents)} turns answered {asked.text}"
        if asked.answer is not None and asked.answer not in contents:
            yield "lost", f"told {asked.answer!r}, stored {contents}"
        if asked.answer is not None and asked.answer.count(asked.text) != 1:
            yield "doubled", f"an answer of other words than the model's: {asked.answer!r}"


def _judge_sources(
    connection: psycopg.Connection[Any], member: Member
) -> Iterator[tuple[str, str]]:
    rows = {row[0]: row[1:] for row in _ask(connection, member, _SOURCES)}
    times = Counter(row[0] for row in rows.values())
    for taught in member.ledger.taught:
        if times[taught.name] > 1:
            yield "doubled", f"{times[taught.name]} sources named {taught.name}"
        if not taught.source_id:
            continue
        if taught.deletion == "done":
            left = _ask(connection, member, _LEFT_OF_SOURCE, {"id": taught.source_id})[0]
            if any(left):
                yield (
                    "half-visible",
                    f"{left} source, documents, chunks, index rows of a deleted source",
                )
        elif not taught.deletion and taught.source_id not in rows:
            yield "lost", f"source {taught.name}"
        elif not taught.deletion and taught.is_ordered and rows[taught.source_id][1] != "ready":
            yield (
                "lost",
                f"{taught.name} is {rows[taught.source_id][1]}: {rows[taught.source_id][3]}",
            )
    for name, status, said, _, chunks, indexed in rows.values():
        if status == "ready" and not said == chunks == indexed:
            yield (
                "half-visible",
                f"{name}: {said} chunks said, {chunks} there, {indexed} in the index",
            )


def _judge_exports(member: Member) -> Iterator[tuple[str, str]]:
    client = member.account.client
    for export_id in member.ledger.exports:
        job = client.get(f"/v1/exports/{export_id}").json()
        if job.get("status") != "succeeded":
            yield "lost", f"export is {job.get('status')}: {job.get('error_message')}"
            continue
        file = client.get(f"/v1/exports/{export_id}/download", timeout=httpx.Timeout(60))
        lines = len(file.text.splitlines())
        if file.status_code != 200 or lines != job["rows_done"]:
            yield (
                "half-visible",
                f"an export of {job['rows_done']} rows has {lines} lines ({file.status_code})",
            )
        foreign = set(MARK.findall(file.text)) - {member.ledger.mark}
        yield from (("crossing", f"{mark} in an export") for mark in foreign)


def _judge_deliveries(
    connection: psycopg.Connection[Any], member: Member, receiver: Receiver
) -> Iterator[tuple[str, str]]:
    kept = dict(_ask(connection, member, "SELECT id::text, status FROM {}.webhooks_delivery"))
    events = dict(read_events(receiver, member.ledger.mark))
    for delivery in set(kept) - set(events):
        yield "lost", f"delivery {delivery} ({kept[delivery]}) never came"
    for delivery in set(events) - set(kept):
        yield "crossing", f"a delivery of another tenant came: {delivery}"
    told = Counter(body["message_id"] for body in events.values() if "message_id" in body)
    ended = _ask(
        connection, member,
        "SELECT id::text FROM {}.conversations_message WHERE role = 'assistant' AND outcome IN ('answered', 'refused')",
    )  # fmt: skip
    for (message_id,) in ended:
        if told[message_id] != 1:
            kind = "doubled" if told[message_id] else "lost"
            yield kind, f"answer {message_id} was told of by {told[message_id]} events"


def _judge_usage(connection: psycopg.Connection[Any], member: Member) -> Iterator[tuple[str, str]]:
    [(wrong,)] = _ask(connection, member, _ANSWERS_WITHOUT_ONE_EVENT)
    yield from [("usage off", "an answer without exactly one event of its tokens")] * wrong
    [(days, events)] = _ask(connection, member, _DAYS_AND_EVENTS)
    if days != events and events != "(0,,)":
        yield "usage off", f"the days say {days}, their events {events}"
    [(wrong,)] = _ask(connection, member, _CHATS_AND_MESSAGES)
    yield from [("usage off", "a chat whose sums are not those of its messages")] * wrong


def _ask(
    connection: psycopg.Connection[Any],
    member: Member,
    sql: str,
    values: dict[str, Any] | None = None,
) -> list[tuple[Any, ...]]:
    return connection.execute(sql.replace("{}", f'"{member.schema}"'), values).fetchall()
