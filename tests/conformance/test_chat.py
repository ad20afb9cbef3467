"""§3.5 chat and exports, §4 the stream."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.conformance.wire import (
    CHAT,
    MESSAGE,
    NOBODY,
    TIMESTAMP,
    USAGE,
    assert_detail,
    assert_invalid,
    is_uuid4,
    make_bot,
    make_source,
    read_stream,
    settled,
    teach,
)

QUESTION = "How fast does a peregrine falcon dive?"
CSV_COLUMNS = [
    "message_id",
    "role",
    "content",
    "feedback",
    "prompt_tokens",
    "completion_tokens",
    "created_at",
]


def parse_events(text: str) -> list[tuple[str, dict]]:
    """Each event is exactly two lines and an empty one."""
    assert text.endswith("\n\n") and "\r" not in text
    events = []
    for block in text.removesuffix("\n\n").split("\n\n"):
        found = re.fullmatch(r"event: (\w+)\ndata: (.*)", block)
        assert found, block
        events.append((found[1], json.loads(found[2])))
    return events


@pytest.fixture(scope="module")
def stream(owner, bot):
    response, text = read_stream(owner, bot_profile_id=bot, message=QUESTION)
    return response, text, parse_events(text)


class TestAsking:
    def test_the_answer_has_the_contracts_keys(self, answer, bot):
        assert set(answer) == {"chat_id", "message", "sources", "usage"}
        assert set(answer["message"]) == MESSAGE
        assert set(answer["usage"]) == USAGE
        assert is_uuid4(answer["chat_id"]) and answer["message"]["chat_id"] == answer["chat_id"]

    def test_it_is_the_assistants_message_and_knows_the_fact(self, answer):
        assert answer["message"]["role"] == "assistant"
        assert "320" in answer["message"]["content"]
        assert answer["message"]["feedback"] is None
        assert TIMESTAMP.fullmatch(answer["message"]["created_at"])

    def test_a_source_is_chunk_excerpt_score_and_source(self, answer, owner):
        assert answer["sources"]
        ours = {source["id"] for source in owner.get("/v1/sources").json()}
        for source in answer["sources"]:
            assert set(source) == {"chunk_id", "content", "score", "source_id"}
            assert len(source["content"]) <= 200
            assert source["score"] == round(source["score"], 4)
            assert source["source_id"] in ours

    def test_at_most_five_sources(self, answer):
        assert len(answer["sources"]) <= 5

    def test_the_usage_adds_up_and_names_the_bots_model(self, answer, owner, bot):
        usage = answer["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        assert usage["model"] == owner.get(f"/v1/bot-profiles/{bot}").json()["model"]

    def test_the_title_is_the_first_100_characters(self, owner, bot):
        message = "x" * 90 + " " + "y" * 90
        chat_id = owner.post("/v1/chat", json={"bot_profile_id": bot, "message": message}).json()[
            "chat_id"
        ]
        assert owner.get(f"/v1/chat/{chat_id}").json()["title"] == message[:100]

    def test_a_second_turn_adds_two_messages_and_its_tokens(self, owner, bot):
        first = owner.post("/v1/chat", json={"bot_profile_id": bot, "message": QUESTION}).json()
        body = {
            "bot_profile_id": bot,
            "message": "And where does it nest?",
            "chat_id": first["chat_id"],
        }
        second = owner.post("/v1/chat", json=body).json()
        chat = owner.get(f"/v1/chat/{first['chat_id']}").json()
        assert second["chat_id"] == first["chat_id"]
        assert chat["message_count"] == 4
        prompt = first["usage"]["prompt_tokens"] + second["usage"]["prompt_tokens"]
        assert chat["total_prompt_tokens"] == prompt
        assert chat["title"] == QUESTION

    def test_another_bot_may_answer_in_the_chat(self, owner, bot, answer):
        other = make_bot(owner)
        teach(owner, other, "The kestrel hovers over meadows.")
        body = {
            "bot_profile_id": other,
            "message": "Where does the kestrel hover?",
            "chat_id": answer["chat_id"],
        }
        assert owner.post("/v1/chat", json=body).status_code == 200
        assert owner.get(f"/v1/chat/{answer['chat_id']}").json()["bot_profile_id"] == bot

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_missing_inactive_or_foreign_bot_is_404(self, owner, foreign_bot, stream):
        inactive = make_bot(owner)
        owner.delete(f"/v1/bot-profiles/{inactive}")
        for bot_id in (NOBODY, inactive, foreign_bot):
            answer = owner.post(
                "/v1/chat", json={"bot_profile_id": bot_id, "message": "Hi", "stream": stream}
            )
            assert_detail(answer, 404, "Bot profile not found or inactive")

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_missing_chat_is_404(self, owner, bot, stream):
        body = {"bot_profile_id": bot, "message": "Hi", "chat_id": NOBODY, "stream": stream}
        assert_detail(owner.post("/v1/chat", json=body), 404, "Chat session not found")

    @pytest.mark.parametrize("message", ["", "x" * 32001, None])
    def test_a_message_has_1_to_32000_characters(self, owner, bot, message):
        assert_invalid(
            owner.post("/v1/chat", json={"bot_profile_id": bot, "message": message}),
            "body",
            "message",
        )

    def test_a_deleted_source_answers_no_more(self, owner):
        bot = make_bot(owner)
        source = teach(owner, bot, "The password of the vault is strawberry.")
        body = {"bot_profile_id": bot, "message": "What is the password of the vault?"}
        assert "strawberry" in owner.post("/v1/chat", json=body).text
        owner.delete(f"/v1/sources/{source}")
        after = owner.post("/v1/chat", json=body).json()
        assert after["sources"] == []
        assert "strawberry" not in after["message"]["content"]

    def test_a_failing_provider_is_502_503_or_504_and_keeps_the_question(self, owner):
        bot = make_bot(
            owner,
            model="openai/gpt-4o-mini",
            credentials={"api_key": "sk-x", "api_base": "http://127.0.0.1:9"},
        )
        teach(owner, bot, "The kestrel hovers over meadows.")
        answer = owner.post(
            "/v1/chat", json={"bot_profile_id": bot, "message": "Where does the kestrel hover?"}
        )
        assert answer.status_code in (502, 503, 504), answer.text
        chat = owner.get("/v1/chat", params={"bot_profile_id": bot}).json()[0]
        kept = owner.get(f"/v1/chat/{chat['id']}/messages").json()
        assert kept[0]["content"] == "Where does the kestrel hover?"


class TestStream:
    def test_its_headers(self, stream):
        headers = stream[0].headers
        assert stream[0].status_code == 200
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-cache"
        assert headers["x-accel-buffering"] == "no"

    def test_sources_come_first_then_deltas_then_done(self, stream):
        names = [name for name, _ in stream[2]]
        assert names[0] == "sources" and names[-1] == "done"
        assert len(names) > 2 and set(names[1:-1]) == {"delta"}

    def test_the_sources_are_those_of_the_json_answer(self, stream, answer):
        _, data = stream[2][0]
        assert set(data) == {"sources"}
        # What the tenant has been taught meanwhile makes words rarer or less rare, and so moves a score a little.
        for told, known in zip(data["sources"], answer["sources"], strict=True):
            assert told == {**known, "score": pytest.approx(known["score"], abs=0.01)}

    def test_the_deltas_are_the_stored_answer(self, stream, owner):
        done = stream[2][-1][1]
        said = "".join(data["content"] for name, data in stream[2] if name == "delta")
        assert all(set(data) == {"content"} for name, data in stream[2] if name == "delta")
        messages = owner.get(f"/v1/chat/{done['chat_id']}/messages").json()
        assert messages[-1]["id"] == done["message_id"]
        assert messages[-1]["content"] == said

    def test_done_has_chat_message_and_usage(self, stream):
        done = stream[2][-1][1]
        assert {"chat_id", "message_id", "usage"} <= set(done)
        assert set(done["usage"]) == USAGE

    def test_other_scripts_are_escaped(self, owner):
        bot = make_bot(owner)
        teach(owner, bot, "Der Turmfalke rüttelt über Wiesen.")
        text = read_stream(owner, bot_profile_id=bot, message="Wo rüttelt der Turmfalke?")[1]
        assert text.isascii()
        assert "r\\u00fcttelt" in text

    def test_a_failing_provider_ends_in_an_error_event(self, owner):
        bot = make_bot(
            owner,
            model="openai/gpt-4o-mini",
            credentials={"api_key": "sk-x", "api_base": "http://127.0.0.1:9"},
        )
        teach(owner, bot, "The kestrel hovers over meadows.")
        response, text = read_stream(
            owner, bot_profile_id=bot, message="Where does the kestrel hover?"
        )
        name, data = parse_events(text)[-1]
        assert (response.status_code, name) == (200, "error")
        assert isinstance(data["detail"], str)
        assert "sk-x" not in text

    def test_nothing_known_still_sends_sources(self, owner):
        text = read_stream(owner, bot_profile_id=make_bot(owner), message="Is anybody there?")[1]
        assert parse_events(text)[0] == ("sources", {"sources": []})


class TestHistory:
    def test_a_chat_has_the_contracts_keys(self, owner, answer, acme, bot):
        chat = owner.get(f"/v1/chat/{answer['chat_id']}").json()
        assert set(chat) == CHAT
        assert (chat["tenant_id"], chat["bot_profile_id"]) == (acme.tenant["id"], bot)

    def test_an_unknown_chat_is_404(self, owner):
        for tail in ("", "/messages", "/export"):
            assert_detail(owner.get(f"/v1/chat/{NOBODY}{tail}"), 404, "Chat session not found")

    def test_messages_are_oldest_first_and_plain(self, owner, answer):
        messages = owner.get(f"/v1/chat/{answer['chat_id']}/messages").json()
        assert [message["role"] for message in messages[:2]] == ["user", "assistant"]
        assert all(set(message) == MESSAGE for message in messages)
        assert [each["created_at"] for each in messages] == sorted(
            each["created_at"] for each in messages
        )

    def test_the_list_is_newest_first_and_filters_by_bot(self, owner):
        bot = make_bot(owner)
        made = [
            owner.post("/v1/chat", json={"bot_profile_id": bot, "message": f"q{n}"}).json()[
                "chat_id"
            ]
            for n in range(3)
        ]
        found = owner.get("/v1/chat", params={"bot_profile_id": bot}).json()
        assert [chat["id"] for chat in found] == made[::-1]
        assert all(set(chat) == CHAT for chat in found)
        pages = [
            owner.get("/v1/chat", params={"bot_profile_id": bot, "limit": 1, "offset": n}).json()
            for n in range(4)
        ]
        assert [[chat["id"] for chat in page] for page in pages] == [
            [made[2]],
            [made[1]],
            [made[0]],
            [],
        ]

    def test_limit_zero_is_empty_too_large_is_capped_and_negative_is_422(self, owner):
        assert owner.get("/v1/chat", params={"limit": 0}).json() == []
        assert owner.get("/v1/chat", params={"limit": 100000}).status_code == 200
        assert_invalid(owner.get("/v1/chat", params={"limit": -1}), "query", "limit")
        assert_invalid(owner.get("/v1/chat", params={"offset": -1}), "query", "offset")

    def test_feedback_is_given_changed_and_taken_back(self, owner, answer):
        path = f"/v1/chat/{answer['chat_id']}/messages/{answer['message']['id']}/feedback"
        for feedback in ("positive", "negative", None):
            body = owner.patch(path, json={"feedback": feedback})
            assert body.status_code == 200
            assert body.json() == {**answer["message"], "feedback": feedback}

    def test_feedback_needs_its_key_and_one_of_its_values(self, owner, answer):
        path = f"/v1/chat/{answer['chat_id']}/messages/{answer['message']['id']}/feedback"
        assert_invalid(owner.patch(path, json={}), "body", "feedback", kind="missing")
        assert_invalid(owner.patch(path, json={"feedback": "meh"}), "body", "feedback")

    def test_feedback_is_for_the_assistants_messages(self, owner, answer):
        asked = owner.get(f"/v1/chat/{answer['chat_id']}/messages").json()[0]
        path = f"/v1/chat/{answer['chat_id']}/messages/{asked['id']}/feedback"
        detail = "Feedback can only be set on assistant messages"
        assert_detail(owner.patch(path, json={"feedback": "positive"}), 422, detail)

    def test_feedback_on_an_unknown_message_or_chat_is_404(self, owner, answer):
        body = {"feedback": "positive"}
        path = f"/v1/chat/{answer['chat_id']}/messages/{NOBODY}/feedback"
        assert_detail(owner.patch(path, json=body), 404, "Message not found")
        path = f"/v1/chat/{NOBODY}/messages/{NOBODY}/feedback"
        assert_detail(owner.patch(path, json=body), 404, "Chat session not found")

    def test_a_chat_is_not_renamed_by_the_contracts_methods(self, owner, answer):
        assert owner.put(f"/v1/chat/{answer['chat_id']}", json={}).status_code == 405


@pytest.fixture(scope="module")
def chats(owner):
    """A bot with two chats, the first of which has a formula for a question."""
    bot = make_bot(owner)
    made = [
        owner.post("/v1/chat", json={"bot_profile_id": bot, "message": message}).json()["chat_id"]
        for message in ("=1+1", 'He said "hi",\nand left')
    ]
    return bot, made


class TestExports:
    def test_one_chat_as_json(self, owner, answer):
        body = owner.get(f"/v1/chat/{answer['chat_id']}/export").json()
        assert set(body) == {"chat", "messages", "exported_at"}
        assert set(body["chat"]) == CHAT
        assert all(set(message) == MESSAGE for message in body["messages"])
        assert TIMESTAMP.fullmatch(body["exported_at"])

    def test_any_other_format_is_json_too(self, owner, answer):
        answered = owner.get(f"/v1/chat/{answer['chat_id']}/export", params={"format": "xml"})
        assert answered.headers["content-type"].startswith("application/json")

    def test_one_chat_as_csv(self, owner, answer):
        answered = owner.get(f"/v1/chat/{answer['chat_id']}/export", params={"format": "csv"})
        assert answered.headers["content-type"] == "text/csv; charset=utf-8"
        expected = f"attachment; filename=chat_{answer['chat_id']}.csv"
        assert answered.headers["content-disposition"] == expected
        lines = answered.text.split("\r\n")
        assert lines[0] == ",".join(CSV_COLUMNS)
        rows = list(csv.DictReader(io.StringIO(answered.text, newline="")))
        assert [row["role"] for row in rows[:2]] == ["user", "assistant"]
        assert rows[0]["feedback"] == ""

    def test_many_chats_as_json_newest_first(self, owner, chats):
        bot, made = chats
        body = owner.get("/v1/chat/export", params={"bot_profile_id": bot}).json()
        assert set(body) == {"chats", "exported_at"}
        assert [entry["chat"]["id"] for entry in body["chats"]] == made[::-1]
        assert all(set(entry) == {"chat", "messages"} for entry in body["chats"])

    def test_many_chats_as_csv(self, owner, chats):
        bot, made = chats
        answered = owner.get("/v1/chat/export", params={"bot_profile_id": bot, "format": "csv"})
        assert answered.headers["content-disposition"] == "attachment; filename=chats_export.csv"
        assert answered.text.split("\r\n")[0] == ",".join(["chat_id", "chat_title", *CSV_COLUMNS])
        rows = list(csv.DictReader(io.StringIO(answered.text, newline="")))
        assert {row["chat_id"] for row in rows} == set(made)
        assert 'He said "hi",\nand left' in {row["content"] for row in rows}

    def test_a_formula_is_no_formula_in_the_csv(self, owner, chats):
        text = owner.get(
            "/v1/chat/export", params={"bot_profile_id": chats[0], "format": "csv"}
        ).text
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t", "\r")]

    def test_the_header_row_is_there_when_nothing_else_is(self, owner):
        params = {"bot_profile_id": make_bot(owner), "format": "csv"}
        assert (
            owner.get("/v1/chat/export", params=params).text
            == ",".join(["chat_id", "chat_title", *CSV_COLUMNS]) + "\r\n"
        )

    def test_the_date_filters_are_inclusive(self, owner, chats):
        bot, _ = chats
        now = datetime.now(UTC)

        def found(**days: int) -> int:
            dates = {
                name: (now + timedelta(days=offset)).date().isoformat()
                for name, offset in days.items()
            }
            return len(
                owner.get("/v1/chat/export", params={"bot_profile_id": bot, **dates}).json()[
                    "chats"
                ]
            )

        assert found(from_date=-1, to_date=1) == 2
        assert found(to_date=-2) == 0
        assert found(from_date=2) == 0
        assert found(from_date=-1) == 2

    def test_a_malformed_date_is_422(self, owner):
        assert owner.get("/v1/chat/export", params={"from_date": "yesterday"}).status_code == 422

    def test_the_limit_bounds_the_chats(self, owner, chats):
        body = owner.get("/v1/chat/export", params={"bot_profile_id": chats[0], "limit": 1}).json()
        assert [entry["chat"]["id"] for entry in body["chats"]] == chats[1][1:]


class TestWeakKnowledge:
    """§14.1, grounded or silent."""

    def test_a_bot_without_knowledge_cites_nothing(self, owner):
        bot = make_bot(owner)
        answered = owner.post(
            "/v1/chat", json={"bot_profile_id": bot, "message": "Who won the cup in 1954?"}
        ).json()
        assert answered["sources"] == []

    def test_before_the_first_ingestion_it_is_no_500(self, owner):
        bot = make_bot(owner)
        make_source(owner, bot)
        assert (
            owner.post("/v1/chat", json={"bot_profile_id": bot, "message": "Hello?"}).status_code
            == 200
        )

    def test_a_failed_ingestion_leaves_the_old_knowledge_answering(self, owner):
        bot = make_bot(owner)
        source = teach(owner, bot, "The kestrel hovers over meadows.")
        owner.patch(f"/v1/sources/{source}", json={"content": ""})
        owner.post(f"/v1/sources/{source}/ingest")
        assert settled(owner, source)["status"] == "error"
        body = {"bot_profile_id": bot, "message": "Where does the kestrel hover?"}
        assert "meadows" in owner.post("/v1/chat", json=body).json()["message"]["content"]
