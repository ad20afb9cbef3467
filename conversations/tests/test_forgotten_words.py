"""What a visitor said is nowhere any more once it is to be gone, whichever table it went through."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from redis import Redis

from conversations.annotating.changing import add_note
from conversations.annotating.feedback import set_feedback
from conversations.exports.jobs import claim_job, run_job
from conversations.exports.models import ExportJob, ExportPart, ExportType
from conversations.handoffs.asking import find_open
from conversations.handoffs.rules import set_rules
from conversations.models import Chat, HandoffEnd
from conversations.retention import keeping
from conversations.tests.test_api_chat import ask
from conversations.tests.test_consumer import QUESTION, bot, open_session, question, talk
from conversations.tests.test_retention import JSON, PATH, make_old, work
from minirag.lib.errors import NotFound
from webhooks.models import Delivery
from webhooks.subscriptions import create_webhook

__all__ = ["bot"]
WORD = "zyxwvu"
_TABLES = """SELECT table_schema, table_name FROM information_schema.tables
              WHERE table_schema IN (current_schema(), 'public') AND table_type = 'BASE TABLE'"""


def where_it_stands(word: str = WORD) -> set[str]:
    """The tables of the tenant and of the platform in which a word stands."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for schema, table in cursor.fetchall():
            cursor.execute(
                f'SELECT 1 FROM "{schema}"."{table}" AS t WHERE t::text ILIKE %s LIMIT 1',
                [f"%{word}%"],
            )
            if cursor.fetchone():
                found.add(table)
    return found


_READS = {
    "string": ("GET",), "hash": ("HGETALL",), "list": ("LRANGE", 0, -1), "set": ("SMEMBERS",),
    "zset": ("ZRANGE", 0, -1), "stream": ("XRANGE", "-", "+"),
}  # fmt: skip


def which_keys_hold_it(word: str = WORD) -> set[str]:
    """The keys of Redis in whose name or value a word stands: journals, locks, kept answers, the queue.

    Not the counters of how often a visitor came, which have the visitor's id and are gone with their minute.
    """
    client = Redis.from_url(settings.REDIS_URL)
    found = set()
    for key in client.scan_iter(count=1000):
        if key.startswith(b"minirag:limits:") and 0 < client.ttl(key) <= 3600:
            continue
        command, *rest = _READS.get(client.type(key).decode(), ("GET",))
        held = client.execute_command(command, key, *rest) if client.exists(key) else b""
        if word in key.decode("latin-1") or word in repr(held):
            found.add(key.decode("latin-1"))
    return found


@pytest.fixture
def spoken(acme, bot, model) -> Chat:
    """A chat whose visitor has said one word wherever they can say something."""
    events = ["feedback.given", "chat.handoff", "chat.message"]
    create_webhook(url="https://hooks.example.com/all", events=events)
    set_rules(bot, {"is_offered": True})
    token = open_session(bot, visitor=f"visitor-{WORD}").json()["session_token"]
    model.enqueue("It lasts 36 months [1].")
    talk(question(f"{QUESTION} {WORD}"), token=token)
    chat = Chat.objects.get()
    back = {"type": "authenticate", "session_token": token, "chat_id": str(chat.pk)}
    answer = chat.messages.get(role="assistant")
    opinion = {"feedback": "negative", "reason": f"I am {WORD}"}
    talk(back, {"type": "feedback", "message_id": str(answer.pk), **opinion})
    set_feedback(answer, "negative", f"No, I am {WORD}er")
    set_feedback(answer, None)
    talk(back, question(f"{WORD} xylophone quux?"))
    left = {"message": f"call {WORD}", "contact": f"{WORD}@example.com", "name": WORD}
    assert talk(back, {"type": "person_message", **left})[-1]["state"] == "waiting"
    find_open(chat.pk).end(HandoffEnd.CLOSED)
    assert where_it_stands() == {
        "conversations_chat", "conversations_message", "conversations_handoff", "conversations_gapquestion",
        "webhooks_delivery",
    }  # fmt: skip
    return chat


@pytest.fixture
def said(spoken) -> Chat:
    return make_old(spoken)


def test_no_table_key_export_or_log_has_a_word_of_a_visitor_who_was_just_forgotten(
    acme, spoken, as_acme, caplog, django_capture_on_commit_callbacks
):
    written = ExportJob.objects.order(export_type=ExportType.MESSAGES)
    run_job(claim_job(written.pk))
    assert b"".join(bytes(each.data) for each in ExportPart.objects.all())
    caplog.set_level("INFO")
    with django_capture_on_commit_callbacks(execute=True):
        forgot = as_acme.post(
            "/v1/visitors/forget",
            {"visitor_id": f"visitor-{WORD}"},
            headers={"X-Request-ID": "r-1"},
            **JSON,
        )
    assert forgot.json()["deleted"] == 1
    assert where_it_stands() == set()
    assert not ExportPart.objects.exists()
    assert which_keys_hold_it() == set()
    assert "visitors/forget" in caplog.text and WORD not in caplog.text


@pytest.mark.parametrize("act", ["delete", "anonymise", "forget"])
def test_no_table_has_a_word_of_them_afterwards(acme, said, as_acme, act):
    told = Delivery.objects.count()
    if act == "forget":
        as_acme.post("/v1/visitors/forget", {"visitor_id": f"visitor-{WORD}"}, **JSON)
    else:
        as_acme.put(PATH, {"days": 30, "act": act}, **JSON)
        work(acme)
    assert where_it_stands() == set()
    assert Delivery.objects.count() == told - 2  # what has ids alone stays


def test_a_clock_that_runs_ahead_ends_no_young_chat(acme, acme_bot, as_acme, monkeypatch):
    Chat.objects.create(bot_profile=acme_bot, title="young")
    as_acme.put(PATH, {"days": 30}, **JSON)
    ahead = timezone.now() + timedelta(days=400)
    monkeypatch.setattr("conversations.models.retention.timezone.now", lambda: ahead)
    assert keeping.keep_no_longer() == 0 and Chat.objects.exists()


def test_what_is_written_in_a_chat_that_is_just_deleted_is_refused(acme_bot):
    chat = Chat.objects.create(bot_profile=acme_bot, title="gone")
    Chat.objects.filter(pk=chat.pk).delete()
    with pytest.raises(NotFound):
        chat.count_up(messages=1)


def test_what_is_said_in_an_anonymous_chat_has_its_time_too(acme, acme_bot, as_acme, model):
    model.enqueue("It lasts 36 months [1].")
    chat = Chat.objects.get(pk=ask(acme, acme_bot)[1]["chat_id"])
    as_acme.put(PATH, {"days": 30, "act": "anonymise"}, **JSON)

    def say() -> None:
        model.enqueue("It lasts 36 months [1].")
        ask(acme, acme_bot, message=f"{QUESTION} {WORD}", chat_id=str(chat.pk))

    def judge() -> None:
        set_feedback(chat.messages.filter(role="assistant").first(), "negative", WORD)

    def note() -> None:
        add_note(chat, WORD, acme.owner)

    for write in (say, judge, note):
        make_old(chat)
        work(acme)
        assert keeping.count_due(30, "anonymise") == 0
        write()
        assert where_it_stands()
        make_old(chat)
        assert keeping.count_due(30, "anonymise") == 1, write
        work(acme)
        assert where_it_stands() == set(), write
