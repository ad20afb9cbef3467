"""The wire contract's exports, in keys, columns, days and odd characters."""

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from conversations.exports import chats as exports
from conversations.models import Chat, Message
from conversations.tests.conftest import make_bot
from conversations.tests.test_api_chat import CHAT_KEYS, MESSAGE_KEYS
from minirag.lib.spreadsheet import render_cell, write_rows
from tenants.context import tenant_context

COLUMNS = [
    "message_id",
    "role",
    "content",
    "feedback",
    "prompt_tokens",
    "completion_tokens",
    "created_at",
]
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def make_chat(bot=None, *, at=NOON, texts=("Why?", "Because."), **fields) -> Chat:
    chat = Chat.objects.create(
        bot_profile=bot or make_bot(), title=texts[0][:500] if texts else "", **fields
    )
    for number, text in enumerate(texts):
        message = Message.objects.create(
            chat=chat, role=("user", "assistant")[number % 2], content=text
        )
        Message.objects.filter(pk=message.pk).update(created_at=at + timedelta(seconds=number))
    Chat.objects.filter(pk=chat.pk).update(created_at=at, message_count=len(texts))
    chat.refresh_from_db()
    return chat


def fetch(client: Client, path: str, **query) -> str:
    response = client.get(f"/v1/{path}", query)
    assert response.status_code == 200, response.content
    return b"".join(response).decode()


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


# --- one chat -----------------------------------------------------------------------------------------------------
def test_one_chat_is_a_document_of_three_keys(in_acme, as_acme):
    chat = make_chat()
    body = json.loads(fetch(as_acme, f"chat/{chat.pk}/export"))
    assert list(body) == ["chat", "messages", "exported_at"]
    assert set(body["chat"]) == CHAT_KEYS
    assert [set(message) for message in body["messages"]] == [MESSAGE_KEYS] * 2
    assert body["messages"] == as_acme.get(f"/v1/chat/{chat.pk}/messages").json()
    assert datetime.fromisoformat(body["exported_at"]).tzinfo is None


def test_one_chat_as_csv_is_exact_to_the_byte(in_acme, as_acme):
    chat = make_chat(texts=('He said "no",\nthen left', "Ünïcode 🙂"))
    Message.objects.filter(chat=chat, role="assistant").update(
        feedback="positive", completion_tokens=7
    )
    first, second = chat.messages.all()
    response = as_acme.get(f"/v1/chat/{chat.pk}/export", {"format": "csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f"attachment; filename=chat_{chat.pk}.csv"
    assert b"".join(response).decode() == (
        "message_id,role,content,feedback,prompt_tokens,completion_tokens,created_at\r\n"
        f'{first.pk},user,"He said ""no"",\nthen left",,0,0,2026-03-10T12:00:00\r\n'
        f"{second.pk},assistant,Ünïcode 🙂,positive,0,7,2026-03-10T12:00:01\r\n"
    )


def test_any_format_but_csv_is_json(in_acme, as_acme):
    path = f"/v1/chat/{make_chat().pk}/export"
    for name in ("json", "xml", "CSV", ""):
        response = as_acme.get(path, {"format": name})
        assert response["Content-Type"] == "application/json"
        json.loads(b"".join(response))


def test_a_chat_without_messages_is_a_document_and_a_header(in_acme, as_acme):
    chat = make_chat(texts=())
    assert json.loads(fetch(as_acme, f"chat/{chat.pk}/export"))["messages"] == []
    assert fetch(as_acme, f"chat/{chat.pk}/export", format="csv") == ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_long_chat_is_whole_whatever_the_batch(in_acme, as_acme, monkeypatch, size):
    monkeypatch.setattr(exports, "BATCH", size)
    chat = make_chat(texts=[f"text {n}" for n in range(7)])
    Message.objects.filter(chat=chat).update(created_at=NOON)  # all at once: the id decides
    expected = [str(message.pk) for message in chat.messages.all()]
    body = json.loads(fetch(as_acme, f"chat/{chat.pk}/export"))
    assert [message["id"] for message in body["messages"]] == expected
    rows = read_csv(fetch(as_acme, f"chat/{chat.pk}/export", format="csv"))
    assert [row["message_id"] for row in rows] == expected


# --- many chats ---------------------------------------------------------------------------------------------------
def test_many_chats_come_newest_first(in_acme, as_acme):
    chats = [
        make_chat(at=NOON + timedelta(hours=hours), texts=(f"q{hours}", "a")) for hours in range(3)
    ]
    body = json.loads(fetch(as_acme, "chat/export"))
    assert list(body) == ["chats", "exported_at"]
    assert [entry["chat"]["id"] for entry in body["chats"]] == [
        str(chat.pk) for chat in reversed(chats)
    ]
    assert all(list(entry) == ["chat", "messages"] for entry in body["chats"])
    assert [[message["content"] for message in entry["messages"]] for entry in body["chats"]] == [
        ["q2", "a"], ["q1", "a"], ["q0", "a"]
    ]  # fmt: skip
    response = as_acme.get("/v1/chat/export", {"format": "csv"})
    assert response["Content-Disposition"] == "attachment; filename=chats_export.csv"
    rows = read_csv(b"".join(response).decode())
    assert list(rows[0]) == ["chat_id", "chat_title", *COLUMNS]
    assert [(row["chat_title"], row["content"]) for row in rows] == [
        ("q2", "q2"), ("q2", "a"), ("q1", "q1"), ("q1", "a"), ("q0", "q0"), ("q0", "a")
    ]  # fmt: skip


@pytest.mark.parametrize("size", [1, 3, 5, 100])
def test_chats_of_all_sizes_are_whole_whatever_the_batch_and_their_counts(
    in_acme, as_acme, monkeypatch, size
):
    monkeypatch.setattr(exports, "BATCH", size)
    bot = make_bot()
    for number in range(6):
        texts = [f"{number}.{n}" for n in range(number)]
        make_chat(bot, at=NOON - timedelta(hours=number), texts=texts)
    Chat.objects.filter(title="4.0").update(message_count=0)
    body = json.loads(fetch(as_acme, "chat/export"))
    assert [[message["content"] for message in entry["messages"]] for entry in body["chats"]] == [
        [f"{number}.{n}" for n in range(number)] for number in range(6)
    ]
    rows = read_csv(fetch(as_acme, "chat/export", format="csv"))
    assert [row["content"] for row in rows] == [
        f"{number}.{n}" for number in range(6) for n in range(number)
    ]


def test_nothing_found_is_a_document_and_a_header(in_acme, as_acme):
    assert json.loads(fetch(as_acme, "chat/export"))["chats"] == []
    assert (
        fetch(as_acme, "chat/export", format="csv")
        == ",".join(["chat_id", "chat_title", *COLUMNS]) + "\r\n"
    )


def test_many_chats_cost_no_query_each(in_acme, as_acme, django_assert_max_num_queries):
    bot = make_bot()
    for number in range(30):
        make_chat(bot, texts=(f"q{number}", "a"))
    with django_assert_max_num_queries(6):
        assert len(json.loads(fetch(as_acme, "chat/export"))["chats"]) == 30


def test_the_limit_counts_chats_and_a_huge_one_is_capped(in_acme, as_acme):
    bot = make_bot()
    for number in range(3):
        make_chat(bot, at=NOON + timedelta(hours=number))

    def count(**query):
        return len(json.loads(fetch(as_acme, "chat/export", **query))["chats"])

    assert [count(limit=limit) for limit in (0, 1, 2, 1000, 10**30)] == [0, 1, 2, 3, 3]
    assert as_acme.get("/v1/chat/export", {"limit": -1}).status_code == 422


def test_a_bot_that_was_put_away_keeps_its_export(in_acme, as_acme):
    bot, other = make_bot(), make_bot()
    make_chat(bot, texts=("mine",))
    make_chat(other, texts=("other",))
    assert as_acme.delete(f"/v1/bot-profiles/{bot.pk}").status_code == 204
    rows = read_csv(fetch(as_acme, "chat/export", format="csv", bot_profile_id=bot.pk))
    assert [row["content"] for row in rows] == ["mine"]
    assert json.loads(fetch(as_acme, "chat/export", bot_profile_id=uuid.uuid4()))["chats"] == []


# --- days ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("UTC", "2026-03-10T23:59:59.999999+00:00", "2026-03-10"),
        ("UTC", "2026-03-11T00:00:00+00:00", "2026-03-11"),
        ("Pacific/Auckland", "2026-03-10T11:30:00+00:00", "2026-03-11"),
        ("America/New_York", "2026-03-11T03:59:00+00:00", "2026-03-10"),
        ("Europe/Berlin", "2026-03-28T23:00:00+00:00", "2026-03-29"),  # a day of 23 hours
        ("Europe/Berlin", "2026-03-29T21:59:00+00:00", "2026-03-29"),
    ],
)
def test_days_are_whole_in_the_tenants_time_zone(acme, as_acme, zone, moment, day):
    acme.tenant.time_zone = zone
    acme.tenant.save(update_fields=["time_zone"])
    with tenant_context(acme.tenant):
        make_chat(at=datetime.fromisoformat(moment))

    def found(**query):
        return len(json.loads(fetch(as_acme, "chat/export", **query))["chats"])

    before, after = [
        (datetime.fromisoformat(day) + timedelta(days=n)).date().isoformat() for n in (-1, 1)
    ]
    assert found(from_date=day, to_date=day) == 1
    assert found(to_date=before) == found(from_date=after) == 0
    assert found(from_date="0001-01-01", to_date="9999-12-31") == 1


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01", "2026-02-30", "20260301", "1700000000", "2026-3-1", ""]
)
def test_a_malformed_day_is_a_422_that_names_it(in_acme, as_acme, text):
    response = as_acme.get("/v1/chat/export", {"to_date": text})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", "to_date"]


def test_an_end_before_the_beginning_is_refused(in_acme, as_acme):
    response = as_acme.get("/v1/chat/export", {"from_date": "2026-03-02", "to_date": "2026-03-01"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_date_range")


# --- spreadsheets -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\n=1",
        "＝1",
        '=HYPERLINK("http://x","y")',
        "-",
    ],
)
def test_no_cell_is_a_formula(in_acme, as_acme, text):
    chat = make_chat(texts=(text, "fine"))
    rows = read_csv(fetch(as_acme, "chat/export", format="csv"))
    assert (rows[0]["content"], rows[0]["chat_title"]) == (f"'{text}", f"'{chat.title}")
    assert rows[1]["content"] == "fine"


def test_numbers_stay_numbers_and_other_texts_stay_as_they_are():
    assert [render_cell(value) for value in (-1, -1.5, 0, None, True, "", "a=b", " =1", "'x")] == [
        -1, -1.5, 0, None, "true", "", "a=b", " =1", "'x"
    ]  # fmt: skip
    assert write_rows([[-1, None, {"a": [1, "é"]}]]) == '-1,,"{""a"":[1,""é""]}"\r\n'.encode()


@pytest.mark.parametrize(
    "text", ["a\r\nb", "a\rb", 'a"b', "a,b", "\u2028", "🙂" * 3, "'", "x" * 40_000]
)
def test_odd_characters_come_back_as_they_went_in(in_acme, as_acme, text):
    chat = make_chat(texts=(text,))
    assert read_csv(fetch(as_acme, f"chat/{chat.pk}/export", format="csv"))[0]["content"] == text
    assert json.loads(fetch(as_acme, f"chat/{chat.pk}/export"))["messages"][0]["content"] == text


# --- who may ------------------------------------------------------------------------------------------------------
def test_globex_exports_nothing_of_acme(in_acme, as_globex):
    chat = make_chat(texts=("acme's secret",))
    for path in (f"/v1/chat/{chat.pk}/export", f"/v1/chat/{chat.pk}/export?format=csv"):
        assert as_globex.get(path).json()["detail"] == "Chat session not found"
    assert "acme's secret" not in fetch(as_globex, "chat/export")


def test_a_member_may_export_and_a_stranger_may_not(in_acme, as_bob):
    chat = make_chat()
    assert json.loads(fetch(as_bob, f"chat/{chat.pk}/export"))["chat"]["id"] == str(chat.pk)
    assert Client().get("/v1/chat/export").status_code == 401
