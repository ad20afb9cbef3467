"""Why this answer: what a turn leaves behind, as people read it."""

from __future__ import annotations

import json

from conversations.models import Message
from conversations.tests.conftest import make_bot, teach
from conversations.tests.test_api_chat import ask
from conversations.turns.tracing import MOST_LEFT_OUT
from knowledge.models import Source
from knowledge.sources.changing import delete_source

QUESTION = "How many months of warranty does the Aeris One have?"


def trace_of(client, answered, message="message_id"):
    path = f"/v1/chat/{answered['chat_id']}/messages/{answered['message']['id']}/trace"
    response = client.get(path)
    assert response.status_code == 200, response.content
    return response.json()


def test_a_turn_tells_what_it_understood_found_judged_and_spent(acme, acme_bot, as_acme, model):
    model.enqueue("It lasts 36 months [1].")
    told = trace_of(as_acme, ask(acme, acme_bot, message=QUESTION)[1])
    assert (told["question"], told["outcome"]) == (QUESTION, "answered")
    assert (told["understood"]["kind"], told["understood"]["language"]) == ("question", "en")
    assert told["search"]["floor"] == "hopeless" and told["search"]["made_for"]
    first = told["candidates"][0]
    assert (first["place"], first["fate"], first["numbers"]) == (1, "cited", [1])
    assert first["bm25"] > 0 and first["fused"] > 0 and first["closeness"] > 0
    assert "36 months" in first["excerpt"] and not first["is_gone"]
    read = len(told["candidates"])
    assert told["prompt"] | {"characters": 0} == {
        "passages": read, "passages_found": read, "said": 0, "said_before": 0, "characters": 0, "is_shortened": False,
    }  # fmt: skip
    assert [(call["purpose"], call["model"]) for call in told["calls"]] == [
        ("embedding", "minirag/hash"), ("answer", "openai/gpt-test"),
    ]  # fmt: skip
    assert told["calls"][-1]["cost_usd"] == 0.0021 and told["calls"][-1]["prompt_tokens"] == 11
    before = ["open", "understand", "guard", "condense", "retrieve", "ground"]
    assert list(told["stages"]) == [*before, "model", "cite"]
    assert told["calls"][-1]["milliseconds"] == told["stages"]["model"]
    assert [each["is_supported"] for each in told["support"]] == [True]


def test_what_was_left_out_is_told_with_its_reason_and_is_bounded(acme, in_acme, as_acme, model):
    bot = make_bot(passage_count=1)
    for name in ("One", "Two"):
        teach(bot, "The lantern has a warranty of 24 months, said the shop in its leaflet.", name)
    for number in range(30):
        teach(bot, f"# Stove {number}\n\nWarranty of stove {number}: 36 months.", f"Stove {number}")
    model.enqueue("24 months [1].")
    answered = ask(acme, bot, message="How long is the warranty of the lantern?")[1]
    fates = [each["fate"] for each in trace_of(as_acme, answered)["candidates"]]
    assert fates[0] == "cited" and set(fates[1:]) <= {"limit", "repeat"}
    assert len(fates) == 1 + MOST_LEFT_OUT
    stored = Message.objects.get(role="user").trace
    assert len(json.dumps(stored)) < 16_000


def test_a_long_question_makes_no_long_trace(acme, acme_bot, model):
    model.enqueue("36 months [1].")
    ask(acme, acme_bot, message=f"{'warranty' * 500} " * 7 + "months of warranty?")
    assert len(json.dumps(Message.objects.get(role="user").trace)) < 16_000


def test_the_offline_answerers_check_is_told_whether_it_passes_or_not(acme, in_acme, as_acme):
    bot = make_bot(model="minirag/extractive")
    teach(bot, "# Warranty\n\nThe Aeris One is covered by a warranty of 36 months.")
    passed = trace_of(as_acme, ask(acme, bot, message=QUESTION)[1])
    assert passed["check"]["is_answered"] and passed["check"]["coverage"] > 0.4
    declined = ask(acme, bot, message="Which colour does the warranty of the Aeris One have?")[1]
    told = trace_of(as_acme, declined)
    assert told["outcome"] == "refused" and not told["check"]["is_answered"]
    assert "colour" in told["missing"] and told["refusal"]["reason"] == "not_answered"


def test_a_passage_whose_source_was_deleted_is_gone_without_its_text(
    acme, acme_bot, as_acme, model
):
    model.enqueue("It lasts 36 months [1].")
    answered = ask(acme, acme_bot, message=QUESTION)[1]
    delete_source(Source.objects.get(name="Facts").pk)
    told = trace_of(as_acme, answered)
    assert {each["is_gone"] for each in told["candidates"]} == {True}
    assert {each["excerpt"] + each["heading"] + each["title"] for each in told["candidates"]} == {
        ""
    }


def test_a_turn_from_before_traces_has_an_empty_one(acme, acme_bot, as_acme, model):
    model.enqueue("It lasts 36 months [1].")
    answered = ask(acme, acme_bot)[1]
    Message.objects.filter(role="user").update(trace=None)
    told = trace_of(as_acme, answered)
    assert told["search"] is None and told["candidates"] == [] == told["calls"]


def test_nobody_reads_the_trace_of_another_tenant(acme, acme_bot, as_globex, model):
    model.enqueue("It lasts 36 months [1].")
    answered = ask(acme, acme_bot)[1]
    path = f"/v1/chat/{answered['chat_id']}/messages/{answered['message']['id']}/trace"
    assert as_globex.get(path).status_code == 404
