"""Golden questions: by hand, from a file with bad lines, and from a chat."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from conversations.golden import changing
from conversations.golden.importing import LARGEST_FILE, read_golden_file
from conversations.models import Chat, GoldenQuestion, Message
from minirag.lib.errors import BadInput
from tenants.context import tenant_context
from tenants.models import ApiToken, AuditEvent

GOOD = {"question": "What does a puncture cost?", "expected_facts": ["12 euros | 12 €"]}
FROM_A_FILE = {
    "question": "And how long does it take?", "before": ["What does a puncture cost?"], "language": "en",
    "expected_sources": ["Workshop", "Prices"], "expected_facts": ["an hour"], "must_decline": False, "tags": ["work"],
    "groups": ["staff"],
}  # fmt: skip


@pytest.fixture
def path(acme_bot) -> str:
    return f"/v1/bot-profiles/{acme_bot.pk}/golden-questions"


def post(client, path: str, body: Any):
    return client.post(path, body, content_type="application/json")


def upload(client, path: str, name: str, data: bytes):
    return client.post(f"{path}/import", {"file": SimpleUploadedFile(name, data)})


class TestByHand:
    def test_one_is_made_listed_changed_and_deleted(self, as_acme, path, acme):
        made = post(as_acme, path, {**GOOD, "before": ["Hello"], "tags": ["a", "a", " "]})
        assert made.status_code == 201, made.content
        row = made.json()
        assert row["before"] == [{"role": "user", "content": "Hello"}]
        assert (row["tags"], row["made_by"], row["is_active"]) == (["a"], acme.owner.email, True)
        post(as_acme, path, {"question": "What is the moon?", "must_decline": True})
        assert len(as_acme.get(path).json()["items"]) == 2
        assert [each["id"] for each in as_acme.get(path, {"tag": "a"}).json()["items"]] == [
            row["id"]
        ]
        own = f"/v1/golden-questions/{row['id']}"
        changed = as_acme.patch(own, {"tags": ["b"]}, content_type="application/json").json()
        assert changed["tags"] == ["b"] and changed["expected_facts"] == GOOD["expected_facts"]
        assert as_acme.delete(own).status_code == 204
        assert as_acme.get(own).status_code == 404

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({**GOOD, "question": " what does A puncture  cost?"}, 409),
            ({"question": ""}, 422),
            ({"question": "  "}, 422),
            ({"question": "x" * 32_001}, 422),
            ({"question": "Why?", "must_decline": True, "expected_facts": ["x"]}, 422),
            ({"question": "Why?", "expected_facts": ["x"] * 21}, 422),
            ({"question": "Why?", "expected_facts": [7]}, 422),
            ({"question": "Why?", "before": ["x"] * 21}, 422),
            ({"question": "Why?", "before": [{"role": "system", "content": "x"}]}, 422),
            ({"question": "Why?", "before": [{"role": "user"}]}, 422),
            ({}, 422),
        ],
    )
    def test_what_cannot_be_is_refused(self, as_acme, path, body, status):
        post(as_acme, path, GOOD)
        assert post(as_acme, path, body).status_code == status
        assert GoldenQuestion.objects.count() == 1

    def test_a_bot_has_room_for_so_many(self, as_acme, path, monkeypatch):
        monkeypatch.setattr(changing, "MOST_QUESTIONS", 1)
        post(as_acme, path, GOOD)
        answer = post(as_acme, path, {"question": "Why?"})
        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_golden_questions")
        lines = upload(as_acme, path, "a.jsonl", b'{"question": "How?"}').json()
        assert lines["added"] == 0 and "at most 1" in lines["bad_lines"][0]["reason"]

    def test_the_same_question_after_another_conversation_is_another(self, as_acme, path):
        assert post(as_acme, path, GOOD).status_code == 201
        assert post(as_acme, path, {**GOOD, "before": ["Bikes?"]}).status_code == 201

    def test_its_words_are_not_in_the_audit_log(self, as_acme, path):
        row = post(as_acme, path, {"question": "Is Zoe Quinn ill?", "before": ["Zoe?"]}).json()
        own = f"/v1/golden-questions/{row['id']}"
        changes = {"question": "Was Zoe Quinn ill?", "before": ["About Zoe."]}
        assert as_acme.patch(own, changes, content_type="application/json").status_code == 200
        assert as_acme.delete(own).status_code == 204
        told = AuditEvent.objects.filter(detail__id=row["id"]).values_list("detail", flat=True)
        assert len(told) == 3 and "Zoe" not in json.dumps(list(told))


class TestByFile:
    @pytest.mark.parametrize("name", ["q.jsonl", "q.csv", "q.yaml"])
    def test_each_format_says_the_same(self, as_acme, path, name):
        text = {
            "q.jsonl": json.dumps(FROM_A_FILE),
            "q.csv": "question,before,language,expected_sources,expected_facts,must_decline,tags,groups\n"
            '"And how long does it take?","[""What does a puncture cost?""]",en,Workshop; Prices,an hour,no,'
            "work,staff\n",
            "q.yaml": "- question: And how long does it take?\n  before: ['What does a puncture cost?']\n"
            "  language: en\n  expected_sources: [Workshop, Prices]\n  expected_facts: an hour\n  tags: [work]\n"
            "  groups: [staff]\n",
        }[name]
        assert upload(as_acme, path, name, text.encode()).json() == {"added": 1, "bad_lines": []}
        row = as_acme.get(path).json()["items"][0]
        said = [{"role": "user", "content": "What does a puncture cost?"}]
        assert {key: row[key] for key in FROM_A_FILE} == {**FROM_A_FILE, "before": said}

    def test_bad_lines_are_named_and_good_ones_taken(self, as_acme, path):
        post(as_acme, path, GOOD)
        lines = [
            b'\xef\xbb\xbf{"question": "One?"}', b'{"question": "Two?"', b'{"question": "F\xfcnf?"}', b"", b"[1]",
            b'{"answer": "x"}', b'{"question": "Six?", "fact": "x"}', b'{"question": "one? "}',
            json.dumps(GOOD).encode(), b'{"question": "Ten?", "must_decline": "perhaps"}',
            b'{"question": "Eleven?", "tags": {"a": 1}}', b'{"question": "Twelve\\u0000?"}', b"[" * 5000,
            b'{"question": "Fourteen?", "expected_facts": ["x"], "must_decline": true}', b'{"question": "Last?"}\r',
        ]  # fmt: skip
        answer = upload(as_acme, path, "q.jsonl", b"\n".join(lines))
        assert answer.status_code == 200, answer.content
        report = answer.json()
        assert [each["number"] for each in report["bad_lines"]] == [
            2,
            3,
            5,
            6,
            7,
            8,
            9,
            10,
            11,
            12,
            13,
            14,
        ]
        reasons = {each["number"]: each["reason"] for each in report["bad_lines"]}
        assert "UTF-8" in reasons[3] and "line 1" in reasons[8] and "already" in reasons[9]
        assert report["added"] == 2
        asked = set(GoldenQuestion.objects.values_list("question", flat=True))
        assert asked == {GOOD["question"], "One?", "Last?"}

    def test_a_line_that_nothing_could_store_is_named_too(self, as_acme, path):
        bad = [
            {"before": [5]}, {"before": [None]}, {"before": [[1]]}, {"before": [{"role": "user", "content": ["x"]}]},
            {"before": ["a\0b"]}, {"before": ["\ud800"]}, {"expected_facts": ["\0"]}, {"tags": ["\udfff"]},
            {"tags": "[" * 100_000}, {"before": [{"role": "user", "\0": "x"}]}, {"expected_facts": [["x"]]},
        ]  # fmt: skip
        lines = [json.dumps({"question": f"Why {n}?", **each}) for n, each in enumerate(bad)]
        answer = upload(
            as_acme, path, "q.jsonl", "\n".join([*lines, '{"question": "Last?"}']).encode()
        )
        assert answer.status_code == 200, answer.content
        report = answer.json()
        assert [each["number"] for each in report["bad_lines"]] == [*range(1, len(bad) + 1)]
        assert report["added"] == 1

    def test_what_was_fetched_can_be_sent_to_another_bot(self, as_acme, path, acme_bot):
        post(as_acme, path, {**GOOD, "before": ["Hello"]})
        row = as_acme.get(path).json()["items"][0]
        other = post(as_acme, "/v1/bot-profiles", {"name": "Other"}).json()["id"]
        there = f"/v1/bot-profiles/{other}/golden-questions"
        assert upload(as_acme, there, "q.jsonl", json.dumps(row).encode()).json()["added"] == 1
        copy = as_acme.get(there).json()["items"][0]
        assert copy["before"] == row["before"] and copy["id"] != row["id"]

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("q.docx", b"x"),
            ("q.yaml", b"a: [1"),
            ("q.yaml", b""),
            ("q.yaml", b"question: x"),
            ("q.yaml", b"\xff\x00\x01"),
            ("q.csv", b"a,b\n1,2"),
            ("q.jsonl", b" " * (LARGEST_FILE + 1)),
        ],
    )
    def test_a_file_that_is_none_is_refused_whole(self, as_acme, path, name, data):
        answer = upload(as_acme, path, name, data)
        assert answer.status_code == 422 and answer.json()["code"].startswith("golden_file_")
        assert not GoldenQuestion.objects.exists()

    def test_a_mistake_in_yaml_spoils_no_other_question(self):
        text = "# ours\n---\n- question: One?\n- question: [a\n- &a [x]\n- question: *a\n- question: 2026-01-01\n"
        text += "- question: Six?\n"
        lines = read_golden_file("q.yml", text.encode())
        assert lines.read == [(3, {"question": "One?"}), (8, {"question": "Six?"})]
        assert [number for number, _ in lines.bad] == [4, 5, 6, 7]

    def test_spreadsheets_save_other_separators_and_encodings(self):
        lines = read_golden_file("q.csv", "question;tags\nWas?;a\n;b\nx;y;z\n".encode("utf-16"))
        assert lines.read == [(2, {"question": "Was?", "tags": ["a"]}), (3, {"tags": ["b"]})]
        assert [number for number, _ in lines.bad] == [4]
        with pytest.raises(BadInput):
            read_golden_file("q.csv", b"")


class TestFromAChat:
    @pytest.fixture
    def asked(self, acme_bot, as_acme, model) -> Chat:
        model.enqueue("It is covered for 36 months [1].")
        ask = {
            "bot_profile_id": str(acme_bot.pk),
            "message": "How many months of warranty does the Aeris One have?",
        }
        chat_id = post(as_acme, "/v1/chat", ask).json()["chat_id"]
        model.enqueue("Within 30 days [1].")
        ask |= {"chat_id": chat_id, "message": "And how may unused devices be sent back?"}
        assert post(as_acme, "/v1/chat", ask).status_code == 200
        return Chat.objects.get(pk=chat_id)

    def test_a_turn_suggests_what_it_cited_after_what_was_said_before(
        self, as_acme, asked, acme_bot
    ):
        answer = asked.messages.filter(role="assistant").last()
        url = f"/v1/chat/{asked.pk}/messages/{answer.pk}/golden-question"
        made = post(as_acme, url, {"tags": ["from chats"], "expected_facts": ["30 days"]})
        assert made.status_code == 201, made.content
        row = made.json()
        assert row["question"] == "And how may unused devices be sent back?"
        assert [each["role"] for each in row["before"]] == ["user", "assistant"]
        assert row["expected_sources"] == [str(acme_bot.sources.get().pk)]
        assert (row["message_id"], row["tags"]) == (str(answer.question_id), ["from chats"])
        assert post(as_acme, url, {}).status_code == 409

    def test_what_was_disliked_is_expected_nowhere(self, as_acme, asked):
        answer = asked.messages.filter(role="assistant").first()
        Message.objects.filter(pk=answer.pk).update(feedback="negative")
        url = f"/v1/chat/{asked.pk}/messages/{answer.question_id}/golden-question"
        row = post(as_acme, url, {}).json()
        assert (row["expected_sources"], row["must_decline"]) == ([], False)

    def test_what_was_declined_is_to_be_declined(self, as_acme, acme_bot, model):
        ask = {"bot_profile_id": str(acme_bot.pk), "message": "Who won the tennis match in Paris?"}
        chat_id = post(as_acme, "/v1/chat", ask).json()["chat_id"]
        question = Message.objects.get(chat_id=chat_id, role="user")
        assert question.outcome == "refused"
        url = f"/v1/chat/{chat_id}/messages/{question.pk}/golden-question"
        assert post(as_acme, url, {}).json()["must_decline"] is True


def test_members_read_and_change_nothing(as_acme, acme, path, client):
    assert as_acme.get(path).status_code == 200
    _, raw = ApiToken.objects.mint(user=acme.owner, name="reader", rights=["read"])
    reader = {"HTTP_AUTHORIZATION": f"Bearer {raw}"}
    assert client.get(path, **reader).status_code == 200
    assert client.post(path, GOOD, content_type="application/json", **reader).status_code == 403


def test_another_tenant_has_none_of_it(as_acme, as_globex, path, globex):
    row = post(as_acme, path, GOOD).json()
    assert as_globex.get(f"/v1/golden-questions/{row['id']}").status_code == 404
    assert as_globex.get(path).status_code == 404
    with tenant_context(globex.tenant):
        assert not GoldenQuestion.objects.exists()
