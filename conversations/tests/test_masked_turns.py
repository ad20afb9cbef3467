"""What a bot keeps from models: none of those outside reads it, and the visitor reads it in the answer again."""

from __future__ import annotations

import json

import pytest
from asgiref.sync import async_to_sync

from bots.models import BotProfile
from conversations.evaluating.judging import judge
from conversations.models import GoldenQuestion, Message
from conversations.tests.conftest import make_bot, teach
from conversations.tests.test_api_chat import ask
from conversations.tests.test_completions import ask as complete
from conversations.tests.test_completions import say
from conversations.tests.test_tools import CALL, TOOL
from knowledge.models import Dataset
from knowledge.retrieval import retrieving
from minirag.ai.builtin.local import is_local
from minirag.ai.tooling import ToolCallPiece
from minirag.lib.errors import ProviderError
from tenants.context import tenant_context

MAIL, PHONE, CARD = "anna@home.example", "0664 1234567", "4111 1111 1111 1111"
QUESTION = f"How do returns work? Write to {MAIL} or call {PHONE}."
FACTS = (
    f"Unused devices may be sent back within 30 days. Returns: ask {MAIL} or office@acme.example."
)
KINDS = {"kinds": ["email", "phone"]}


@pytest.fixture
def bot(in_acme) -> BotProfile:
    bot = make_bot(refusal_mode="open", masking=KINDS)
    teach(bot, FACTS, "Returns")
    return bot


def read(request) -> str:
    return json.dumps(request.messages)


def test_a_model_reads_placeholders_and_the_visitor_what_they_wrote(acme, bot, model):
    model.enqueue("I write to [EMA", "IL_1] [", "1], or call [PHONE_", "1", "]. [EMAIL_7]")
    _, body = ask(acme, bot, message=QUESTION)
    told = f"I write to {MAIL} [1], or call {PHONE}. [EMAIL_7]"
    assert body["message"]["content"] == told
    asked = read(model.requests[0])
    assert (
        MAIL not in asked and PHONE not in asked and "Write to [EMAIL_1] or call [PHONE_1]" in asked
    )
    assert "ask [EMAIL_1] or office@acme.example" in asked and "repeat it exactly" in asked
    question, answer = Message.objects.order_by("created_at")
    assert (question.content, answer.content) == (QUESTION, told)
    assert question.trace["masked"] == {"email": 1, "phone": 1}
    assert MAIL not in json.dumps(question.trace["masked"])

    model.enqueue("As I said, [EMAIL_1].")
    _, body = ask(acme, bot, chat_id=body["chat_id"], message="And my card is " + CARD + "?")
    asked = read(model.requests[1])
    assert MAIL not in asked and PHONE not in asked and CARD in asked
    assert body["message"]["content"] == f"As I said, {MAIL}."


def test_passages_by_choice_and_what_they_cite_is_whole(acme, bot, model):
    BotProfile.objects.update(masking={**KINDS, "passages": True})
    model.enqueue("Ask [EMAIL_2] [1].")
    _, body = ask(acme, bot, message=f"Returns for {MAIL}?")
    assert "office@acme.example" not in read(model.requests[0])
    assert body["message"]["content"] == "Ask office@acme.example [1]."
    assert body["sources"][0]["content"] == FACTS


def test_the_tenants_choice_is_that_of_bots_without_one_and_of_no_other_tenant(
    acme, globex, bot, globex_bot, model
):
    acme.tenant.masking = {"kinds": ["email"], "patterns": [r"K-\d{6}"]}
    acme.tenant.save()
    BotProfile.objects.update(masking={})
    for _ in range(2):
        model.enqueue("Fine.")
    ask(acme, bot, message=f"Returns for K-123456, {MAIL}, {PHONE}?")
    asked = read(model.requests[0])
    assert "[OWN_1], [EMAIL_1]" in asked and PHONE in asked and "K-123456" not in asked
    BotProfile.objects.update(masking={"kinds": []})
    ask(acme, bot, message=f"Returns for {MAIL}?")
    assert MAIL in read(model.requests[1])
    with tenant_context(globex.tenant):
        BotProfile.objects.update(refusal_mode="open")
    model.enqueue("Fine.")
    ask(globex, globex_bot, message=f"Roses for {MAIL}?")
    assert MAIL in read(model.requests[2])


def test_other_models_of_a_turn_read_no_more(acme, bot, model, monkeypatch):
    embedded = []

    async def embed(model_name, text, **_):
        embedded.extend([text] * (not is_local(model_name)))
        raise ProviderError("unavailable")

    monkeypatch.setattr(retrieving, "embed_query", embed)
    teach(bot, "A returned device is checked within five days.", "Checks")
    BotProfile.objects.update(
        query_variations=2, rerank_model="openai/gpt-small", embedding_model="openai/text-embedding-3-small"
    )  # fmt: skip
    model.enqueue("Fine.")
    model.enqueue_rewriting(
        "How can [EMAIL_1] send a device back?\nHow are returns done for [EMAIL_1]?"
    )
    ask(acme, bot, message=f"How do returns work for {MAIL}?")
    outside = [read(each) for each in (*model.rewritings_asked, *model.orders_asked)] + embedded
    assert len(model.rewritings_asked) == len(model.orders_asked) == 1 and len(embedded) == 3
    assert all(MAIL not in each and "EMAIL_1" in each for each in outside)
    varied = Message.objects.get(role="user").trace["understood"]["variations"]
    assert varied and all(MAIL in each for each in varied)


def test_models_of_ours_read_all_of_it(acme, bot, model):
    BotProfile.objects.update(model="minirag/extractive")
    model.enqueue("Fine.")
    ask(acme, bot, message=QUESTION)
    assert MAIL in read(model.requests[0])
    assert Message.objects.get(role="user").trace["masked"] == {}


def test_calls_of_functions_are_put_back_and_their_results_taken_out(acme, bot, model):
    model.enqueue(CALL, *(ToolCallPiece(0, "", "", part) for part in ('{"city": "[EMAIL', '_1]"}')))
    messages = say(f"Write to {MAIL} about returns")
    _, body = complete(acme, bot, messages=messages, tools=[TOOL])
    made = body["choices"][0]["message"]
    assert json.loads(made["tool_calls"][0]["function"]["arguments"]) == {"city": MAIL}
    model.enqueue("Sent to [EMAIL_1].")
    result = {"role": "tool", "tool_call_id": "call_a", "content": f"sent to {MAIL}"}
    called = {"role": "assistant", "content": None, "tool_calls": made["tool_calls"]}
    _, body = complete(acme, bot, messages=[*messages, called, result], tools=[TOOL])
    assert MAIL not in read(model.requests[1])
    assert body["choices"][0]["message"]["content"] == f"Sent to {MAIL}."


def test_a_judge_reads_no_more(bot, model):
    golden = GoldenQuestion(question=QUESTION, expected_facts=[MAIL])
    model.enqueue('{"right": true, "why": "It names [EMAIL_1]."}')
    verdict = async_to_sync(judge)(bot, "openai/gpt-judge", golden, f"Write to {MAIL}", [FACTS])
    assert verdict.is_right and verdict.why == f"It names {MAIL}."
    assert MAIL not in read(model.requests[0]) and "office@" not in read(model.requests[0])


def test_an_embedder_that_the_knowledge_is_of_still_reads_no_more_than_the_bots(
    acme, bot, model, monkeypatch
):
    """Between two embedders the knowledge is asked by the one it was made with, whatever the bot names by now."""
    embedded = []

    async def embed(model_name, text, **_):
        embedded.append((model_name, text))
        raise ProviderError("unavailable")

    Dataset.objects.update(embedding_model="openai/text-embedding-3-small")
    monkeypatch.setattr(retrieving, "embed_query", embed)
    BotProfile.objects.update(model="minirag/extractive")
    model.enqueue("Fine.")
    ask(acme, bot, message=QUESTION)
    outside = [text for model_name, text in embedded if not is_local(model_name)]
    assert outside and all(MAIL not in text and "[EMAIL_1]" in text for text in outside)
    assert MAIL in read(model.requests[0])
    assert Message.objects.get(role="user").trace["masked"] == {"email": 1, "phone": 1}


def test_what_a_model_of_ours_says_is_as_it_says_it(acme, bot, model):
    teach(bot, "A returned device is checked within five days.", "Checks")
    BotProfile.objects.update(model="minirag/extractive", rerank_model="openai/gpt-small")
    model.enqueue("It stands there as [EMAIL_1].")
    _, body = ask(acme, bot, message=f"How do returns work for {MAIL}?")
    assert "EMAIL_1" in read(model.orders_asked[0])
    assert body["message"]["content"] == "It stands there as [EMAIL_1]."


def test_calls_stay_json_and_what_only_they_have_is_explained(acme, bot, model):
    model.enqueue("Sent.")
    arguments = json.dumps({"text": f"Hi,\n{MAIL}"})
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = [
        *say("How do returns work?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "done"},
    ]
    complete(acme, bot, messages=messages, tools=[TOOL])
    asked = model.requests[0].messages
    [made] = [each["tool_calls"][0] for each in asked if each.get("tool_calls")]
    assert json.loads(made["function"]["arguments"]) == {"text": "Hi,\n[EMAIL_1]"}
    assert "repeat it exactly" in asked[0]["content"]
