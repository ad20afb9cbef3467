"""What may not be lost, or told wrongly, where chats are handed over and deleted at bad moments."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core import mail
from django.core.exceptions import ValidationError
from redis import Redis

from bots.models import BotProfile, UsageEvent
from conversations.erasing.deleting import delete_chat
from conversations.following.journal import _name_keys
from conversations.handoffs import jobs, listening
from conversations.handoffs.asking import call_person
from conversations.handoffs.changing import close, hand_back, join, release, say
from conversations.handoffs.hours import check_hours
from conversations.handoffs.rules import set_rules
from conversations.handoffs.telling import group_of_chat, ring
from conversations.models import Chat, Handoff, HandoffReason, Message
from conversations.tests.test_api_chat import post_chat
from conversations.tests.test_consumer import PAGE, VISITOR, bot, open_session, talk
from conversations.tests.test_handoffs import ann, ask, chat
from conversations.tests.test_inbox import in_acme, quick, watch
from conversations.turns import recording
from minirag.asgi import application
from minirag.lib.errors import NotFound
from tenants.context import require_tenant, run_sync, tenant_context
from tenants.due import DueKind, DueWork
from tests.patient_socket import PatientSocket

__all__ = ["ann", "bot", "chat", "quick"]


def test_a_person_who_joins_late_is_looked_after_as_well(chat, ann):
    """The mail of the waiting chat was long sent, and no reminder stands any more, when they join."""
    handoff = call_person(chat, HandoffReason.ASKED)
    jobs.tend_handoffs()
    DueWork.objects.filter(kind=DueKind.HANDOFFS).delete()
    assert jobs.next_tending() is None
    join(handoff, ann, held_for=timedelta(seconds=90))
    [reminder] = DueWork.objects.filter(kind=DueKind.HANDOFFS)
    assert reminder.due_at <= handoff.held_until + timedelta(seconds=1)


def test_a_mail_that_was_not_sent_is_sent_later(chat, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no route to the mail server")

    call_person(chat, HandoffReason.ASKED)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "send_mail", refuse)
        jobs.tend_handoffs()
    assert not mail.outbox and jobs.next_tending() is not None
    jobs.tend_handoffs()
    assert len(mail.outbox) == 1


def test_what_is_asked_while_a_person_hands_back_is_answered_by_the_bot(
    acme, chat, ann, model, monkeypatch
):
    handoff = call_person(chat, HandoffReason.ASKED)
    join(handoff, ann)
    find_chat = recording._find_chat

    def find_and_hand_back(*args):
        found = find_chat(*args)
        hand_back(handoff, ann)
        return found

    monkeypatch.setattr(recording, "_find_chat", find_and_hand_back)
    model.enqueue("It lasts 36 months [1].")
    said = ask(acme, chat.bot_profile, "How long is the warranty?", str(chat.pk))
    assert not said.get("passed_on") and said["message"]["content"]


@pytest.mark.parametrize("act", [join, hand_back, close, lambda each, who: say(each, who, "Hello")])
def test_a_chat_that_is_deleted_meanwhile_is_not_found(chat, ann, act):
    handoff = call_person(chat, HandoffReason.ASKED)
    Chat.objects.get(pk=chat.pk).delete()
    with pytest.raises(NotFound):
        act(handoff, ann)


def test_times_are_written_in_digits_alone():
    for wrong in ("09:00\n", "0\u0669:00", "\u0660\u0669:00"):
        with pytest.raises(ValidationError):
            check_hours({"mon": [[wrong, "17:00"]]})
        with pytest.raises(ValidationError):
            check_hours({"mon": [["00:00", wrong]]})


def test_who_waits_elsewhere_is_not_told_that_a_person_was_called(bot, model):
    set_rules(bot, {})
    for _ in range(3):
        other = Chat.objects.create(bot_profile=bot, visitor_id=VISITOR)
        call_person(other, HandoffReason.ASKED)
    token = open_session(bot).json()["session_token"]
    seen = talk({"type": "question", "message": "Can I talk to a person?"}, token=token)
    assert Handoff.objects.count() == 3
    assert "called a person" not in json.dumps(seen)


def test_openais_route_passes_on_as_well(acme, chat, ann, model):
    handoff = call_person(chat, HandoffReason.ASKED)
    join(handoff, ann)
    body = {
        "model": str(chat.bot_profile_id), "metadata": {"chat_id": str(chat.pk)},
        "messages": [{"role": "user", "content": "How long is the warranty?"}],
    }  # fmt: skip
    answer, content = post_chat(acme, body, path="/v1/chat/completions")
    assert answer.status_code == 200, content
    said = json.loads(content)
    assert said["choices"][0]["message"]["content"] == "" and said["message_id"] is None
    assert not model.requests and not UsageEvent.objects.filter(chat_id=chat.pk).exists()
    _, streamed = post_chat(acme, body | {"stream": True}, path="/v1/chat/completions")
    assert "[DONE]" in streamed and chat.messages.count() == 2


def test_an_open_page_is_told_that_its_chat_was_deleted(acme, chat, ann, quick):
    """Who has it open is told so, instead of looking in vain for as long as the page is open."""
    handoff = call_person(chat, HandoffReason.ASKED)
    join(handoff, ann)

    def delete():
        delete_chat(Chat.objects.get(pk=chat.pk))

    told = watch(
        until=lambda frame: frame["type"] == "error", then=in_acme(acme, delete), token=acme.raw_token,
        handoff_id=str(handoff.pk),
    )  # fmt: skip
    assert told[-1]["code"] == "not_found" and not Chat.objects.exists()


class LayerWhoseRedisWasAway:
    """Channels' layer, in which the first entry fails."""

    def __init__(self) -> None:
        self.entered: list[str] = []
        self.tries = 0

    async def group_add(self, group: str, channel: str) -> None:
        self.tries += 1
        if self.tries == 1:
            raise ConnectionError("no redis")
        self.entered.append(group)

    async def group_discard(self, group: str, channel: str) -> None:
        self.entered.remove(group)


def test_a_page_that_was_opened_without_redis_listens_once_it_is_back(quick):
    listener = listening.ChatListener()
    layer = listener.channel_layer = LayerWhoseRedisWasAway()
    listener.channel_name = "one-page"

    async def listen() -> None:
        await listener.listen_to("of-a-chat")
        assert layer.entered == []
        await listener._watch
        assert layer.entered == ["of-a-chat"]
        await listener.stop_listening()
        assert layer.entered == []

    async_to_sync(listen)()


def test_who_has_a_person_types_into_no_other_visitors_chat(acme, bot, chat, ann):
    """A socket that has a person, and then names the chat of somebody else."""
    join(call_person(chat, HandoffReason.ASKED), ann)
    foreign = Chat.objects.create(bot_profile=bot, visitor_id="somebody-else")
    join(call_person(foreign, HandoffReason.ASKED), ann)
    with tenant_context(acme.tenant):
        group = group_of_chat(foreign.pk)
    token = open_session(bot).json()["session_token"]

    async def run() -> dict[str, Any]:
        layer = get_channel_layer()
        overheard = await layer.new_channel()
        await layer.group_add(group, overheard)
        headers = [(b"origin", PAGE.encode()), (b"host", b"localhost")]
        socket = PatientSocket(application, "/ws/chat/", headers=headers)
        await socket.connect()

        async def send_until(kind: str, **frame: Any) -> None:
            await socket.send_to(text_data=json.dumps(frame))
            while json.loads((await socket.receive_output())["text"])["type"] != kind:
                pass

        me = {"type": "authenticate", "session_token": token}
        await send_until("company", **me, chat_id=str(chat.pk))
        await send_until("authenticated", **me, chat_id=str(foreign.pk))
        await socket.send_to(text_data=json.dumps({"type": "typing"}))
        await send_until("reset_done", type="reset")
        await layer.group_send(group, {"type": "the.end"})
        heard = await layer.receive(overheard)
        await socket.disconnect()
        return heard

    with tenant_context(None):
        assert async_to_sync(run)()["type"] == "the.end"


@pytest.mark.parametrize("change", ["switched off", "deleted", "not for this page"])
def test_who_only_listens_hears_no_more_of_a_bot_that_is_gone(acme, bot, chat, ann, change):
    """A visitor has a person, and says nothing while the bot is taken away: they hear of the chat no more."""
    handoff = call_person(chat, HandoffReason.ASKED)
    join(handoff, ann)
    token = open_session(bot).json()["session_token"]

    def take_away():
        profiles = BotProfile.objects.filter(pk=bot.pk)
        if change == "not for this page":
            profiles.update(allowed_origins=["https://elsewhere.example"])
        else:
            profiles.update(is_active=False) if change == "switched off" else profiles.delete()
        ring(chat.pk)

    async def run() -> list[dict[str, Any]]:
        headers = [(b"origin", PAGE.encode()), (b"host", b"localhost")]
        socket = PatientSocket(application, "/ws/chat/", headers=headers)
        await socket.connect()
        frame = {"type": "authenticate", "session_token": token, "chat_id": str(chat.pk)}
        await socket.send_to(text_data=json.dumps(frame))
        while json.loads((await socket.receive_output())["text"])["type"] != "company":
            pass
        await run_sync(in_acme(acme, take_away))
        return [await socket.receive_output(), await socket.receive_output()]

    with tenant_context(None):
        said, closed = async_to_sync(run)()
    assert json.loads(said["text"])["code"] == "session_invalid"
    assert (closed["type"], closed["code"]) == ("websocket.close", 4401)


def test_a_message_that_is_left_twice_is_left_once(bot):
    set_rules(bot, {"hours": {"mon": []}})
    token = open_session(bot).json()["session_token"]
    left = {
        "type": "person_message", "message": "Call me", "contact": "kim@example.com", "request_id": "left-1",
    }  # fmt: skip
    for _ in range(2):  # the second by a socket of its own, which knows of no chat
        talk(left, token=token)
    talk(left | {"request_id": "left-2"}, token=token)
    said = Message.objects.filter(role="user").values_list("request_id", flat=True)
    assert sorted(said) == ["left-1", "left-2"]


def test_a_new_conversation_tells_the_person_and_leaves_a_message_that_was_left(bot, ann):
    set_rules(bot, {})
    token = open_session(bot).json()["session_token"]
    talk({"type": "person"}, {"type": "reset"}, token=token)
    handoff = Handoff.objects.get()
    assert (handoff.state, handoff.ended_as) == ("closed", "withdrawn")
    set_rules(bot, {"hours": {"mon": []}})
    left = {"type": "person_message", "message": "Call me", "contact": "kim@example.com"}
    talk(left, {"type": "reset"}, token=token)
    assert Handoff.objects.open().get().reason == "message"


def test_what_the_bot_is_saying_ends_when_a_person_joins(
    chat, ann, settings, django_capture_on_commit_callbacks
):
    asked = Message.objects.create(chat=chat, role="user", content="Why?", outcome="pending")
    schema = require_tenant().schema_name
    lease = _name_keys(schema, asked.pk)[1]
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.set(lease, "lives", ex=60)
        with django_capture_on_commit_callbacks(execute=True):
            join(call_person(chat, HandoffReason.ASKED), ann)
        assert redis.get(lease) == b"stop"


def test_a_chat_that_is_left_to_others_sends_no_second_mail(chat, ann):
    handoff = call_person(chat, HandoffReason.ASKED)
    jobs.tend_handoffs()
    join(handoff, ann)
    assert release(handoff, ann)
    jobs.tend_handoffs()
    assert len(mail.outbox) == 1
