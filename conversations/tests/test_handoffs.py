"""A chat asks for a person, a person takes it over, and the bot is silent until they hand it back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from bots.models import Outcome
from conversations.handoffs.asking import call_person, find_open
from conversations.handoffs.changing import close, hand_back, join, say
from conversations.handoffs.forms import read_hours, write_hours
from conversations.handoffs.hours import check_hours, find_opening, is_within
from conversations.handoffs.jobs import next_tending, tend_handoffs
from conversations.handoffs.rules import set_rules
from conversations.models import (
    Chat,
    Handoff,
    HandoffReason,
    HandoffState,
    MessageRole,
)
from conversations.models.handoffs import ANSWERING
from conversations.tests.test_api_chat import post_chat
from conversations.tests.test_consumer import PAGE, VISITOR, bot, open_session, talk
from minirag.lib.errors import Conflict, Forbidden
from tenants.models import AuditEvent, Role, User
from tenants.platform.maintenance import begin_maintenance
from webhooks.models import Delivery
from webhooks.subscriptions import create_webhook

__all__ = ["bot"]

ALL = {"is_offered": True, "on_wish": True, "on_declined_twice": True, "on_disliked": True}


@pytest.fixture
def chat(bot) -> Chat:
    return Chat.objects.create(bot_profile=bot, visitor_id=VISITOR, origin=PAGE, title="Help")


@pytest.fixture
def ann(acme) -> User:
    return User.objects.create_user(
        "ann@acme.example.com", None, tenant=acme.tenant, role=Role.ADMIN, display_name="Ann"
    )


@pytest.fixture
def ben(acme) -> User:
    return User.objects.create_user(
        "ben@acme.example.com", None, tenant=acme.tenant, role=Role.ADMIN, display_name="Ben"
    )


def refused(act, *args, **kwargs) -> str:
    with pytest.raises(Conflict) as error:
        act(*args, **kwargs)
    return error.value.code


# --- Hours --------------------------------------------------------------------------------------------------------
def test_people_are_there_within_their_hours():
    hours = {"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "fri": [["20:00", "24:00"]]}
    monday = datetime(2026, 11, 30, tzinfo=UTC)
    at = [(8, 59, False), (9, 0, True), (11, 59, True), (12, 0, False), (13, 0, True), (17, 0, False)]  # fmt: skip
    for hour, minute, expected in at:
        assert is_within(hours, monday.replace(hour=hour, minute=minute)) is expected
    friday = monday + timedelta(days=4)
    assert is_within(hours, friday.replace(hour=23, minute=59))
    assert find_opening(hours, monday.replace(hour=12)) == monday.replace(hour=13)
    assert find_opening(hours, monday.replace(hour=18)) == friday.replace(hour=20)
    assert find_opening(hours, friday.replace(hour=23)) == (monday + timedelta(days=7)).replace(hour=9)  # fmt: skip
    assert find_opening({"mon": []}, monday) is None and is_within({}, monday)


def test_a_date_counts_in_place_of_its_weekday():
    week = {"thu": [["09:00", "17:00"]], "fri": [["09:00", "17:00"]]}
    hours = week | {"12-25": [], "2026-12-24": [["09:00", "12:00"]]}
    check_hours(hours)
    eve = datetime(2026, 12, 24, 10, tzinfo=UTC)  # a Thursday
    assert is_within(hours, eve) and not is_within(hours, eve.replace(hour=13))
    assert not is_within(hours, eve + timedelta(days=1))
    assert find_opening(hours, eve.replace(hour=13)) == datetime(2026, 12, 31, 9, tzinfo=UTC)
    assert is_within({"12-25": []}, eve) and not is_within({"12-25": []}, eve + timedelta(days=1))
    assert read_hours(write_hours(hours)) == hours
    for wrong in ("02-30", "2026-13-01", "1-1", "easter"):
        with pytest.raises(ValidationError):
            check_hours({wrong: []})


@pytest.mark.parametrize(
    "table",
    [[], {"sunday": []}, {"mon": "9-17"}, {"mon": [["9:00", "17:00"]]}, {"mon": [["17:00", "09:00"]]},
     {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}, {"mon": [["24:00", "24:00"]]}, {"mon": [["09:00"]]},
     {"mon": [[9, 17]]}, {"mon": [["01:00", "02:00"]] * 5}],
)  # fmt: skip
def test_what_is_no_weekly_table_is_refused(table, acme, bot, as_acme):
    with pytest.raises(Exception, match=r"span|table"):
        check_hours(table)
    answer = as_acme.put(
        f"/v1/bot-profiles/{bot.pk}/handoff-rules",
        {"hours": table},
        content_type="application/json",
    )
    assert answer.status_code == 422, answer.content


# --- Taking over --------------------------------------------------------------------------------------------------
def test_a_chat_has_one_open_handoff(chat):
    first = call_person(chat, HandoffReason.ASKED)
    assert call_person(chat, HandoffReason.WISH).pk == first.pk
    assert Handoff.objects.count() == 1


def test_of_two_people_one_joins_and_the_other_sees_who_has(chat, ann, ben):
    handoff = call_person(chat, HandoffReason.ASKED)
    other_page = Handoff.objects.get(pk=handoff.pk)
    join(handoff, ann)
    with pytest.raises(Conflict) as error:
        join(other_page, ben)
    assert error.value.code == "handoff_taken" and "Ann" in error.value.detail
    assert refused(say, other_page, ben, "Hello") == "handoff_taken"
    assert refused(hand_back, other_page, ben) == "handoff_taken"
    join(other_page, ben, takes_over=True)
    assert refused(say, handoff, ann, "Hello") == "handoff_taken"
    assert say(other_page, ben, "Hello").author_name == "Ben"


def test_nothing_is_said_in_a_chat_that_was_not_joined_or_is_over(chat, ann):
    handoff = call_person(chat, HandoffReason.ASKED)
    assert refused(say, handoff, ann, "Hello") == "handoff_waiting"
    join(handoff, ann)
    close(handoff, ann)
    for act in (join, close, hand_back):
        assert refused(act, handoff, ann) == "handoff_closed"
    assert refused(say, handoff, ann, "Hello") == "handoff_closed"
    assert call_person(chat, HandoffReason.ASKED).pk != handoff.pk


def test_the_bot_is_silent_while_a_person_is_there(acme, chat, ann, model):
    handoff = call_person(chat, HandoffReason.ASKED)
    join(handoff, ann)
    body = {"bot_profile_id": str(chat.bot_profile_id), "chat_id": str(chat.pk)}
    body["message"] = "How long is the warranty?"
    response, content = post_chat(acme, body | {"extended": True})
    said = json.loads(content)
    assert response.status_code == 200 and said["passed_on"] is True
    assert said["message"]["role"] == "user" and said["usage"]["total_tokens"] == 0
    asked = chat.messages.get()
    assert asked.outcome == Outcome.PERSON and not model.requests
    say(handoff, ann, "It lasts three years.")
    hand_back(handoff, ann)
    model.enqueue("It lasts 36 months [1].")
    post_chat(acme, body)
    [request] = model.requests
    told = json.dumps(request.messages)
    assert "It lasts three years." in told, "the model is told what was said meanwhile"
    assert chat.messages.filter(role=MessageRole.ASSISTANT).count() == 1


@pytest.mark.parametrize(
    "until", [timedelta(seconds=-1), timedelta(days=1)], ids=["past", "clock was wrong"]
)
def test_a_person_who_is_gone_leaves_the_chat_to_others(chat, ann, ben, until):
    handoff = call_person(chat, HandoffReason.ASKED)
    join(handoff, ann)
    tend_handoffs()
    handoff.refresh_from_db()
    assert handoff.state == HandoffState.JOINED
    Handoff.objects.update(held_until=timezone.now() + until)
    assert next_tending() < timezone.now() + timedelta(hours=1)
    assert tend_handoffs() == 1
    handoff.refresh_from_db()
    assert (handoff.state, handoff.person_id) == (HandoffState.WAITING, None)
    assert refused(say, handoff, ann, "Still here") == "handoff_waiting"
    join(handoff, ben)


def test_a_person_on_a_machine_whose_clock_is_a_little_ahead_keeps_the_chat(chat, ann):
    join(call_person(chat, HandoffReason.ASKED), ann)
    Handoff.objects.update(held_until=timezone.now() + ANSWERING + timedelta(seconds=5))
    assert tend_handoffs() == 0


@pytest.mark.parametrize("change", [{"role": Role.MEMBER}, {"is_active": False}])
def test_a_person_whose_role_is_taken_leaves_the_chat_to_others(chat, ann, change):
    handoff = call_person(chat, HandoffReason.ASKED)
    join(handoff, ann)
    User.objects.filter(pk=ann.pk).update(**change)
    ann.refresh_from_db()
    with pytest.raises(Forbidden):
        say(handoff, ann, "Hello")
    assert tend_handoffs() == 1
    handoff.refresh_from_db()
    assert handoff.state == HandoffState.WAITING and ann.email not in mail.outbox[-1].to


# --- Telling ------------------------------------------------------------------------------------------------------
def test_webhooks_and_mail_and_the_log_are_told(acme, chat, ann, ben, django_capture_on_commit_callbacks):  # fmt: skip
    events = ["chat.handoff", "chat.handoff_joined", "chat.handoff_closed"]
    create_webhook(url="https://hooks.example.com/x", events=events)
    chat.messages.create(role=MessageRole.USER, content="my secret trouble")
    with django_capture_on_commit_callbacks(execute=True):
        handoff = call_person(chat, HandoffReason.ASKED)
    tend_handoffs()
    [sent] = mail.outbox
    assert {"ann@acme.example.com", acme.owner.email} <= set(sent.to)
    assert "Helper" in sent.body and "secret trouble" not in sent.body
    tend_handoffs()
    assert len(mail.outbox) == 1, "once a chat"
    join(handoff, ann)
    close(handoff, ann)
    assert list(Delivery.objects.order_by("created_at").values_list("event_type", flat=True)) == events  # fmt: skip
    told = json.loads(Delivery.objects.get(event_type="chat.handoff_closed").body)
    assert told["ended_as"] == "closed" and told["person"] == ann.email
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"handoff.asked", "handoff.joined", "handoff.closed"} <= actions


def test_many_chats_that_wait_are_one_mail(bot):
    for number in range(5):
        chat = Chat.objects.create(bot_profile=bot, visitor_id=f"visitor-{number}")
        call_person(chat, HandoffReason.ASKED)
    tend_handoffs()
    [sent] = mail.outbox
    assert sent.subject.startswith("5 chats wait")
    call_person(Chat.objects.create(bot_profile=bot, visitor_id="another"), HandoffReason.ASKED)
    tend_handoffs()
    assert len(mail.outbox) == 1 and next_tending() > timezone.now(), "the next minute has the next mail"  # fmt: skip


# --- Rules --------------------------------------------------------------------------------------------------------
def ask(acme, bot, text, chat_id=None):
    body = {"bot_profile_id": str(bot.pk), "message": text, "extended": True}
    _, content = post_chat(acme, body | ({"chat_id": chat_id} if chat_id else {}))
    return json.loads(content)


def test_without_rules_nothing_changes(acme, bot, model):
    said = ask(acme, bot, "Can I talk to a person?")
    assert "cannot connect you" in said["message"]["content"]
    assert not Handoff.objects.exists()


def test_a_wish_in_words_calls_a_person(acme, bot, model):
    set_rules(bot, {"on_wish": True})
    said = ask(acme, bot, "Kann ich mit einem Menschen sprechen?")
    assert "einen Menschen gerufen" in said["message"]["content"]
    handoff = find_open(said["chat_id"])
    assert (handoff.reason, handoff.language) == ("wish", "de")


def test_a_wish_outside_of_the_hours_is_told_the_truth(acme, bot, model):
    set_rules(bot, {"on_wish": True, "hours": {"mon": []}})
    said = ask(acme, bot, "Can I talk to a person?")
    assert said["message"]["content"].startswith("Nobody is there at the moment.")
    assert not Handoff.objects.exists()


def test_two_declined_questions_call_a_person(acme, bot, model):
    bot.refusal_mode = "strict"
    bot.save()
    set_rules(bot, ALL)
    first = ask(acme, bot, "Who won the football championship of Peru?")
    assert first["refusal"] and not Handoff.objects.exists()
    ask(acme, bot, "And which colour has the emperor's old bicycle?", first["chat_id"])
    assert find_open(first["chat_id"]).reason == "declined_twice"


def test_a_thumb_down_calls_a_person(acme, bot, model, as_acme):
    set_rules(bot, ALL)
    model.enqueue("It lasts 36 months [1].")
    said = ask(acme, bot, "How long is the warranty of the Aeris One?")
    path = f"/v1/chat/{said['chat_id']}/messages/{said['message']['id']}/feedback"
    as_acme.patch(path, {"feedback": "negative"}, content_type="application/json")
    assert find_open(said["chat_id"]).reason == "disliked"


# --- The API ------------------------------------------------------------------------------------------------------
def test_the_whole_way_over_the_api(acme, globex, chat, as_acme):
    def post(path, body=None, status=200, client=as_acme):
        answer = client.post(path, body or {}, content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json()

    made = post("/v1/handoffs", {"chat_id": str(chat.pk)}, 201)
    path = f"/v1/handoffs/{made['id']}"
    stranger = Client(**globex.bearer)
    for act in ("join", "messages", "hand-back", "release", "close"):
        post(f"{path}/{act}", {"content": "x"}, 404, stranger)
    assert stranger.get(path).status_code == 404 and stranger.get("/v1/handoffs").json()["items"] == []  # fmt: skip
    post("/v1/handoffs", {"chat_id": str(chat.pk)}, 404, stranger)
    assert post(f"{path}/messages", {"content": "Hi"}, 409)["code"] == "handoff_waiting"
    assert post(f"{path}/join")["state"] == "joined"
    post(f"{path}/messages", {"content": "x" * 32_001}, 422)
    post(f"{path}/messages", {"content": "   "}, 422)
    said = post(f"{path}/messages", {"content": "x" * 32_000}, 201)
    assert said["role"] == "person"
    assert post(f"{path}/release")["state"] == "waiting"
    assert post(f"{path}/close")["ended_as"] == "closed"
    assert post(f"{path}/messages", {"content": "Hi"}, 409)["code"] == "handoff_closed"
    post(f"/v1/handoffs/{uuid4()}/join", status=404)


def test_a_member_may_look_and_not_answer(acme, chat, as_bob):
    handoff = call_person(chat, HandoffReason.ASKED)
    assert as_bob.get(f"/v1/handoffs/{handoff.pk}").status_code == 200
    answer = as_bob.post(f"/v1/handoffs/{handoff.pk}/join")
    assert (answer.status_code, answer.json()["code"]) == (403, "role_forbidden")


# --- The widget's socket ------------------------------------------------------------------------------------------
def test_a_bot_without_rules_offers_nobody(bot):
    opened = open_session(bot).json()
    assert opened["people"] is None
    [_, answer] = talk({"type": "person"}, token=opened["session_token"])
    assert answer["code"] == "not_found" and not Chat.objects.exists()


def test_a_visitor_asks_for_a_person_before_any_question(bot):
    set_rules(bot, {})
    opened = open_session(bot).json()
    assert opened["people"] == {"is_staffed": True, "takes_messages": True, "opens_at": None}
    [_, heard] = talk({"type": "person"}, token=opened["session_token"])
    assert (heard["type"], heard["state"]) == ("company", "waiting")
    assert str(Handoff.objects.get().chat_id) == heard["chat_id"]


def test_outside_of_the_hours_a_message_can_be_left(bot):
    set_rules(bot, {"hours": {"mon": []}})
    token = open_session(bot).json()["session_token"]
    evil = "<script>alert(1)</script>"
    left = {"type": "person_message", "message": evil, "contact": "eve@example.com", "name": evil}
    _, refusal, wrong, heard = talk(
        {"type": "person"}, left | {"contact": "nobody"}, left, token=token
    )
    assert refusal["code"] == "nobody_there" and wrong["code"] == "validation_error"
    assert heard["state"] == "waiting"
    handoff = Handoff.objects.get()
    assert (handoff.reason, handoff.contact, handoff.contact_name) == ("message", "eve@example.com", evil)  # fmt: skip
    assert handoff.chat.messages.get().content == evil


def test_in_maintenance_a_socket_takes_nothing_and_stays(acme, bot):
    set_rules(bot, {})
    token = open_session(bot).json()["session_token"]
    begin_maintenance(acme.tenant, message="We move.", minutes=30)
    left = {"type": "person_message", "message": "Hello", "contact": "eve@example.com"}
    feedback = {"type": "feedback", "message_id": str(uuid4()), "feedback": "positive"}
    heard = talk({"type": "person"}, left, {"type": "person_withdraw"}, feedback, token=token)[1:]
    assert [each["code"] for each in heard] == ["maintenance"] * 4
    assert heard[0]["retryable"] and "We move." in heard[0]["detail"]
    assert not Handoff.objects.exists()


def test_one_visitor_waits_in_three_chats_at_most(bot):
    set_rules(bot, {})
    token = open_session(bot).json()["session_token"]
    seen = [each for _ in range(5) for each in talk({"type": "person"}, token=token)]
    assert [each.get("code") for each in seen].count("too_many_handoffs") == 2
    assert Handoff.objects.count() == 3 and Chat.objects.count() == 3


def test_another_visitors_chat_cannot_be_handed_over(bot, chat):
    set_rules(bot, {})
    token = open_session(bot, visitor="somebody-else").json()["session_token"]
    authenticate = {"type": "authenticate", "session_token": token, "chat_id": str(chat.pk)}
    _, refusal = talk(authenticate, {"type": "person"})
    assert refusal["code"] == "not_found" and not Handoff.objects.exists()


def test_another_visitor_hears_nothing_of_a_chat(bot, chat, ann):
    handoff = call_person(chat, HandoffReason.ASKED)
    join(handoff, ann)
    say(handoff, ann, "between us")
    token = open_session(bot, visitor="somebody-else").json()["session_token"]
    authenticate = {"type": "authenticate", "session_token": token, "chat_id": str(chat.pk)}
    seen = talk(authenticate, {"type": "reset"})
    assert "between us" not in json.dumps(seen) and "Ann" not in json.dumps(seen)
