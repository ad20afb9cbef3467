"""A curated answer wins over the sources for its questions, as it is written, and for no other question."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.models import BotProfile, Scope, UsageEvent
from conversations.models import Citation, Message
from conversations.tests.conftest import FACTS, make_bot, teach
from conversations.tests.test_turns import QUESTION, take, text_of
from conversations.turns.taking import Done, SourcesFound
from knowledge.curated.changing import create_answer, delete_answer, update_answer
from knowledge.curated.matching import find_by_meaning
from knowledge.curated.vectors import embed_curated, next_embedding
from knowledge.models import ANYONE, CuratedAnswer, CuratedVector
from minirag.ai.builtin.local import MINILM
from tenants.context import tenant_context
from tenants.models import User

WRITTEN = "It has **three years** of warranty.\n\nKeep the receipt.\n\n<script>alert(1)</script>"


def curate(bot: BotProfile, owner: User, *questions: str, **fields) -> CuratedAnswer:
    wanted = {"answer": WRITTEN, "owner_id": owner.pk} | fields
    made = create_answer(wanted, questions=questions or [QUESTION], bot_profile_ids=[bot.pk])
    embed_curated()
    return made


def is_curated(events) -> bool:
    return text_of(events) == WRITTEN


def test_it_is_given_as_written_and_cited_as_its_own_kind(acme_bot, acme, model):
    curated = curate(acme_bot, acme.owner, links=["https://www.acme.example.com/warranty"])
    events = take(acme_bot, "  how many MONTHS of warranty does the aeris one have, please?!")
    assert isinstance(events[0], SourcesFound) and is_curated(events) and model.requests == []
    done = events[-1]
    assert isinstance(done, Done) and done.message.outcome == "answered"
    citation = Citation.objects.get(message=done.message)
    assert (citation.number, citation.kind, citation.title) == (1, "curated", "Curated answer")
    assert (citation.source_id, citation.url) == (curated.pk, curated.links[0])
    asked = Message.objects.get(chat=done.chat_id, role="user")
    assert asked.citation_valid is True and done.message.curated_answer_id == curated.pk
    assert asked.trace["curated"] == {
        "id": str(curated.pk), "question": QUESTION, "by": "words", "cosine": None,
    }  # fmt: skip
    spent = UsageEvent.objects.get(message_id=done.message.pk, kind="chat")
    assert (spent.total_tokens, spent.outcome) == (0, "answered")


@pytest.mark.parametrize("model_name", ["openai/gpt-test", "minirag/extractive"])
def test_what_means_the_same_gets_it_and_what_is_only_alike_does_not(
    in_acme, acme, model, model_name
):
    bot = make_bot(model=model_name, embedding_model=MINILM)
    teach(bot, FACTS)
    curate(bot, acme.owner, "What does plan A cost?", language="en")
    for question in ("How much is plan A?", "plan a price", "what's the price of plan A"):
        assert is_curated(take(bot, question)), question
    for question in (
        "How much is plan B?", "What does plan A include?", "Why does plan A cost so much?",
        "Does plan A not cost anything?",
    ):  # fmt: skip
        model.enqueue("I could not find an answer to that in my sources.")
        assert not is_curated(take(bot, question)), question


def test_a_follow_up_gets_it_by_what_it_means(in_acme, acme, model):
    bot = make_bot(model="minirag/extractive", embedding_model=MINILM)
    teach(bot, FACTS)
    curate(bot, acme.owner, "What are the opening hours on Sundays?")
    before = take(bot, "What are the opening hours?")
    assert not is_curated(before)
    assert is_curated(take(bot, "and on Sundays?", before[-1].chat_id))
    assert not is_curated(take(bot, "and on Mondays?", before[-1].chat_id))


def test_a_condensed_follow_up_gets_it_by_its_words(acme_bot, acme, model):
    curate(acme_bot, acme.owner)
    model.enqueue("It is a sensor [1].")
    before = take(acme_bot, "What is the warranty of the Aeris One?")
    model.enqueue_rewriting(QUESTION)
    assert is_curated(take(acme_bot, "and how many months is it?", before[-1].chat_id))


def test_small_talk_and_guardrails(acme_bot, acme, model):
    curate(acme_bot, acme.owner, "Can I talk to a person?", QUESTION)
    assert is_curated(take(acme_bot, "Can I talk to a person?"))
    Scope.objects.create(bot_profile=acme_bot, name="House", forbidden_topics=["warranty"])
    refused = take(acme_bot)
    assert refused[-1].refusal.reason == "forbidden_topic"


def test_it_ends_at_once(acme_bot, acme, bob, model):
    curated = curate(acme_bot, acme.owner)

    def answers() -> bool:
        model.enqueue("36 months [1].")
        said = is_curated(take(acme_bot))
        model.answers.clear()
        return said

    assert answers()
    update_answer(curated, {"is_active": False})
    assert not answers()
    update_answer(curated, {"is_active": True, "owner_id": bob.pk})
    assert answers()
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert not answers()
    User.objects.filter(pk=bob.pk).delete()
    assert not answers()
    update_answer(curated, {"owner_id": acme.owner.pk})
    CuratedAnswer.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert answers()
    CuratedAnswer.objects.update(expires_at=timezone.now())
    assert not answers()
    CuratedAnswer.objects.update(expires_at=None)
    update_answer(curated, {}, bot_profile_ids=[make_bot(name="Other").pk])
    assert not answers()
    update_answer(curated, {}, bot_profile_ids=[acme_bot.pk])
    assert answers()
    delete_answer(curated)
    assert not answers()
    assert Citation.objects.filter(kind="curated").exists()  # what was said stays


def test_another_tenants_answer_is_never_given(acme_bot, acme, globex, globex_bot, model):
    with tenant_context(globex.tenant):
        curate(globex_bot, globex.owner)
    model.enqueue("36 months [1].")
    assert not is_curated(take(acme_bot))


def test_a_bot_without_any_asks_nothing_more(acme_bot, acme, model):
    other = make_bot(name="Other")
    curate(other, acme.owner)
    model.enqueue("36 months [1].")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        take(acme_bot)
    naming = [each["sql"] for each in asked if "curated" in each["sql"]]
    assert all(
        "knowledge_curatedanswer_bots" in sql and "bots_botprofile" in sql for sql in naming[:1]
    )
    assert not [sql for sql in naming if "knowledge_curatedquestion" in sql]


def test_another_embedding_model_makes_new_vectors(acme_bot, acme):
    curate(acme_bot, acme.owner, QUESTION, "warranty of the Aeris One")
    assert set(CuratedVector.objects.values_list("embedding_model", flat=True)) == {"minirag/hash"}
    BotProfile.objects.filter(pk=acme_bot.pk).update(embedding_model=MINILM)
    assert next_embedding() is not None
    assert embed_curated() == 2 and next_embedding() is None
    assert {each.embedding_model for each in CuratedVector.objects.all()} == {MINILM}


def test_vectors_of_another_model_or_another_length_are_not_compared(acme_bot, acme):
    question = curate(acme_bot, acme.owner).questions.get()
    for model_name, emb in (("openai/one", [1.0, 0.0]), ("openai/other", [1.0, 0.0, 0.0])):
        CuratedVector.objects.create(question=question, embedding_model=model_name, emb=emb)
    asked = (acme_bot.pk, ["How many months of warranty has the Aeris One?"], "en")
    assert find_by_meaning(*asked, model="openai/other", vector="[1,0]", audience=ANYONE) is None
    assert (
        find_by_meaning(*asked, model="openai/other", vector="[1,0,0]", audience=ANYONE) is not None
    )


def test_it_shows_in_api_log_and_statistics(acme_bot, acme, as_acme, model):
    curated = curate(acme_bot, acme.owner)
    body = {"bot_profile_id": str(acme_bot.pk), "message": QUESTION}
    plain = as_acme.post("/v1/chat", body, content_type="application/json").json()
    assert plain["message"]["content"] == WRITTEN and "citations" not in plain
    assert [each["source_id"] for each in plain["sources"]] == [str(curated.pk)]
    body |= {"extended": True}
    full = as_acme.post("/v1/chat", body, content_type="application/json").json()
    assert [each["kind"] for each in full["citations"]] == ["curated"]
    stream = as_acme.post("/v1/chat", body | {"stream": True}, content_type="application/json")
    said = [
        json.loads(line[6:])["content"]
        for block in b"".join(stream).decode().split("\n\n")
        if "event: delta" in block
        for line in block.splitlines()
        if line.startswith("data: ")
    ]
    assert "".join(said) == WRITTEN and len(said) == 3
    logged = as_acme.get("/v1/chat-logs").json()["items"][0]
    assert logged["curated_answer_id"] == str(curated.pk)
    assert as_acme.get("/v1/stats/refusals").json()["curated_count"] == 3
