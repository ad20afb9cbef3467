"""A rehearsed question is answered as a visitor's, and leaves nothing behind but its cost."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync

from bots.configurations import changed_fields, fingerprint, snapshot, with_configuration
from bots.models import BotProfile, Quota, UsageEvent
from conversations.evaluating.rehearsing import rehearse
from conversations.models import Chat, Message
from minirag.lib.errors import BadInput, ProductError
from tests.fakes.chat_model import provider_down
from webhooks.models import Delivery, Webhook

QUESTION = "How many months of warranty does the Aeris One have?"


def ask(bot: BotProfile, question: str = QUESTION, **facts):
    return async_to_sync(rehearse)(bot, question, **facts)


def test_a_rehearsed_question_is_answered_and_only_metered(acme_bot, model):
    Webhook.objects.create(url="https://hooks.example.com/in", events=["chat.message"])
    model.enqueue("It is covered for 36 months [1].")
    said = ask(acme_bot)
    assert said.answer.content == "It is covered for 36 months [1]." and said.error is None
    assert [number for number, _ in said.answer.citations] == [1]
    assert "36 months" in said.found[0].content and said.trace["retrieval"]["mode"]
    assert not Chat.objects.exists() and not Message.objects.exists()
    assert not Delivery.objects.exists()
    event = UsageEvent.objects.get(completion_tokens__gt=0)
    assert (event.kind, event.chat_id, event.message_id) == ("evaluation", None, None)
    asked = UsageEvent.objects.filter(source_id=None)
    assert set(asked.values_list("kind", flat=True)) == {"evaluation"}


def test_values_that_are_not_saved_count(acme_bot, model):
    model.enqueue("So it is [1].")
    trial = with_configuration(acme_bot, {"system_prompt": "You are Ada.", "passage_count": 1})
    said = ask(trial)
    assert len(said.found) == 1
    assert model.requests[-1].messages[0]["content"].startswith("You are Ada.")
    acme_bot.refresh_from_db()
    assert acme_bot.passage_count == 5
    changes = changed_fields(snapshot(acme_bot), snapshot(trial))
    assert changes["passage_count"] == [5, 1] and set(changes) == {"passage_count", "system_prompt"}
    assert fingerprint(snapshot(acme_bot)) != fingerprint(snapshot(trial))


def test_a_bot_with_its_own_values_differs_in_nothing(acme_bot):
    published = snapshot(acme_bot)
    assert changed_fields(published, snapshot(with_configuration(acme_bot, published))) == {}
    acme_bot.source_filter = {"tags": ["public"]}
    assert with_configuration(acme_bot, {"source_filter": {}}).source_filter == {}


@pytest.mark.parametrize(
    "values", [{"name": "x"}, {"passage_count": 99}, {"temperature": "hot"}, {"encrypted_credentials": "x"}]
)  # fmt: skip
def test_what_no_bot_could_be_set_to_is_refused(acme_bot, values):
    with pytest.raises(BadInput):
        with_configuration(acme_bot, values)


def test_quotas_hold_for_rehearsals(acme_bot, model):
    Quota.objects.create(subject="tenant", resource="messages", period="day", limit=1)
    model.enqueue("36 months [1].")
    ask(acme_bot)
    with pytest.raises(ProductError) as refused:
        ask(acme_bot)
    assert refused.value.status == 429
    assert len(model.requests) == 1


def test_a_provider_that_fails_is_the_rehearsals_error_and_no_question_of_the_quota(
    acme_bot, model
):
    quota = Quota.objects.create(subject="tenant", resource="messages", period="day", limit=5)
    model.enqueue(provider_down())
    said = ask(acme_bot)
    assert said.answer.outcome == "failed" and said.error is not None
    assert [use.used for use in quota.uses.all()] == [0]
