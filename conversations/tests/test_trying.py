"""Trying a bot beside its form: over the visitors' socket, with changes that are not saved, and nothing kept."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from bots.models import BotProfile, ProviderCredential, UsageEvent
from conversations.models import Chat, GoldenQuestion, Message
from conversations.tests.test_consumer import question, talk
from minirag.asgi import application
from tenants.context import tenant_context
from tenants.models import User
from tests.admin_sessions import form_of_bot, log_in_to_admin
from tests.fakes.chat_model import provider_down
from tests.patient_socket import PatientSocket

HERE = "http://testserver"
ANSWER = "It is covered for 36 months [1]."


def browser(user: User) -> Client:
    return log_in_to_admin(user, "sessionid_acme", SCRIPT_NAME="/t/acme")


@pytest.fixture
def alice(acme, acme_bot) -> Client:
    return browser(acme.owner)


def start(client, bot, **changes):
    return client.post(f"/admin/bots/botdraft/try/{bot.pk}/", form_of_bot(client, bot, **changes))


def try_it(begun, which="tried", *asked):
    frames = asked or (question(request_id="q1"),)
    return talk(
        *frames,
        token=begun[which]["session_token"],
        origin=HERE,
        host="testserver",
        path="/t/acme/ws/chat/",
    )


def look(client, bot, begun, which="tried"):
    return client.get(f"/admin/bots/botdraft/try/{bot.pk}/{begun[which]['name']}/q1/")


def test_what_is_not_saved_is_tried_beside_what_is(alice, acme_bot, model):
    UsageEvent.objects.all().delete()
    begun = start(alice, acme_bot, system_prompt="You are Ada.", passage_count="1").json()
    assert sorted(begun["changed"]) == ["Passages per question", "System prompt"]
    model.enqueue(ANSWER)
    *_, sources, tried = [each for each in try_it(begun) if each["type"] != "delta"]
    assert len(sources["sources"]) == 1
    assert (tried["type"], tried["content"], tried["outcome"]) == ("tried", ANSWER, "answered")
    assert tried["citations"][0]["number"] == 1 and tried["cost_usd"] == 0.0021
    assert model.requests[-1].messages[0]["content"].startswith("You are Ada.")
    model.enqueue(ANSWER)
    try_it(begun, "saved")
    assert not model.requests[-1].messages[0]["content"].startswith("You are Ada.")
    acme_bot.refresh_from_db()
    assert acme_bot.passage_count == 5, "nothing was saved"
    assert not Chat.objects.exists() and not Message.objects.exists()
    assert set(UsageEvent.objects.values_list("kind", flat=True)) == {"evaluation"}
    inside = look(alice, acme_bot, begun).content.decode()
    assert "You are Ada." in inside and "What the model was sent" in inside and "$0.0021" in inside


def test_what_stands_below_answers_is_tried_as_well(alice, acme_bot, model):
    asked = "May unused devices be sent back?"
    acme_bot.starter_questions = [asked]
    acme_bot.save()
    offering = start(alice, acme_bot, starter_questions=asked).json()
    model.enqueue(ANSWER)
    assert try_it(offering)[-1]["help"]["questions"] == [asked]
    still = start(alice, acme_bot, starter_questions=asked, follow_up_questions="").json()
    model.enqueue(ANSWER)
    assert try_it(still)[-1]["help"] is None


def test_a_trial_is_a_conversation_until_it_is_begun_anew(alice, acme_bot, model):
    begun = start(alice, acme_bot).json()
    for _ in range(3):
        model.enqueue(ANSWER)
    try_it(
        begun, "tried", question(), question("And the Aeris Two?"), {"type": "reset"}, question()
    )
    first, second, third = ([each["role"] for each in asked.messages] for asked in model.requests)
    assert "assistant" in second and "assistant" not in first and "assistant" not in third


@pytest.mark.parametrize("ends", ["reset", "stop"])
def test_a_question_that_is_given_up_is_forgotten(alice, acme_bot, model, ends):
    token = start(alice, acme_bot).json()["tried"]["session_token"]
    model.enqueue("It is ", 600.0, "covered.")
    model.enqueue(ANSWER)
    model.enqueue(ANSWER)

    async def run() -> list[dict[str, Any]]:
        headers = [(b"origin", HERE.encode()), (b"host", b"testserver")]
        socket = PatientSocket(application, "/t/acme/ws/chat/", headers=headers)
        await socket.connect()
        await socket.send_json_to({"type": "authenticate", "session_token": token})
        await socket.send_json_to(question())
        while (await socket.receive_json_from())["type"] != "delta":
            pass
        await socket.send_json_to({"type": ends})
        seen = []
        for _ in range(2):
            await socket.send_json_to(question())
            while not seen or seen[-1]["type"] not in ("tried", "error"):
                seen.append(await socket.receive_json_from())
            seen.append({"type": "next"})
        await socket.disconnect()
        return seen

    with tenant_context(None):
        seen = async_to_sync(run)()
    assert [each["type"] for each in seen if each["type"] in ("tried", "error")] == ["tried"] * 2
    _, second, third = ([each["role"] for each in asked.messages] for asked in model.requests)
    assert "assistant" not in second and "assistant" in third
    given_up = UsageEvent.objects.filter(kind="evaluation", model=acme_bot.model)
    assert given_up.count() == 3, "and is paid for"


def test_mistakes_of_the_form_are_told_and_nothing_is_asked(alice, acme_bot):
    wrong = start(alice, acme_bot, temperature="9", allowed_origins="nowhere")
    assert wrong.status_code == 422
    told = {each["field"]: each["label"] for each in wrong.json()["errors"]}
    assert told == {"temperature": "Temperature", "allowed_origins": "Allowed origins"}


def test_a_provider_that_fails_and_a_key_that_is_only_chosen_here(alice, acme_bot, model):
    key = ProviderCredential(name="Ours", provider="openai")
    key.set_key("sk-of-acme-0123456789", "")
    key.save()
    begun = start(alice, acme_bot, provider_keys=[str(key.pk)]).json()
    assert begun["changed"] == ["Provider keys"]
    model.enqueue(provider_down())
    *_, failed = try_it(begun)
    assert (failed["type"], failed["code"]) == ("error", "provider_unavailable")
    assert model.requests[-1].credentials.choose("openai").api_key == "sk-of-acme-0123456789"
    assert not acme_bot.provider_choices.exists()
    assert "provider_unavailable" in look(alice, acme_bot, begun).content.decode()


def test_a_question_that_was_tried_becomes_a_golden_one(alice, acme_bot, model):
    begun = start(alice, acme_bot).json()
    model.enqueue(ANSWER)
    try_it(begun)
    url = f"/admin/bots/botdraft/try/{acme_bot.pk}/{begun['tried']['name']}/q1/golden/"
    made = alice.post(url)
    golden = GoldenQuestion.objects.get()
    assert made.status_code == 201 and str(golden.pk) in made.json()["url"]
    assert golden.expected_sources and not golden.must_decline
    assert alice.post(url).status_code == 409, "it is there already"


def test_a_member_tries_what_is_saved_and_keeps_nothing(acme, acme_bot, bob, model):
    client = browser(bob)
    begun = client.post(
        f"/admin/bots/botdraft/try/{acme_bot.pk}/", {"name": "x", "passage_count": "1"}
    ).json()
    assert begun["changed"] == []
    model.enqueue(ANSWER)
    assert try_it(begun)[-1]["content"] == ANSWER
    assert (
        client.post(
            f"/admin/bots/botdraft/try/{acme_bot.pk}/{begun['tried']['name']}/q1/golden/"
        ).status_code
        == 403
    )


def test_a_trial_is_its_users_pages_and_tenants_alone(
    acme, globex, acme_bot, globex_bot, alice, bob, model
):
    begun = start(alice, acme_bot).json()
    token = begun["tried"]["session_token"]
    model.enqueue(ANSWER)
    try_it(begun)
    for origin, path in (
        ("https://evil.example.com", "/t/acme/ws/chat/"),
        (HERE, "/t/globex/ws/chat/"),
    ):
        seen = talk(question(), token=token, origin=origin, host="testserver", path=path)
        assert seen[0]["code"] == "session_invalid", origin
    gina = log_in_to_admin(globex.owner, "sessionid_globex", SCRIPT_NAME="/t/globex")
    assert gina.post(f"/admin/bots/botdraft/try/{acme_bot.pk}/").status_code == 404
    assert look(gina, acme_bot, begun).status_code == 404
    assert look(browser(bob), acme_bot, begun).status_code == 404
    stranger = Client(SCRIPT_NAME="/t/acme")
    assert stranger.post(f"/admin/bots/botdraft/try/{acme_bot.pk}/").status_code == 302
    for change in ({"role": "viewer"}, {"is_active": False}):
        User.objects.filter(pk=acme.owner.pk).update(**change)
        assert try_it(begun)[0]["code"] == "session_expired"


def test_who_may_not_ask_is_told_so_and_offered_nothing(acme_bot, bob):
    User.objects.filter(pk=bob.pk).update(role="viewer")
    client = browser(bob)
    assert client.post(f"/admin/bots/botdraft/try/{acme_bot.pk}/").status_code == 403
    assert (
        "data-trying"
        not in client.get(f"/admin/bots/botprofile/{acme_bot.pk}/change/").content.decode()
    )


def test_the_page_offers_it_without_a_script_of_its_own(alice, acme_bot):
    page = alice.get(f"/admin/bots/botprofile/{acme_bot.pk}/change/").content.decode()
    assert f'/admin/bots/botdraft/try/{acme_bot.pk}/"' in page
    assert '/ws/chat/"' in page and "minirag/trying.js" in page
    assert BotProfile.objects.get(pk=acme_bot.pk).updated_at == acme_bot.updated_at
