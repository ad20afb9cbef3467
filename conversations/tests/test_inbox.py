"""The inbox's pages and socket: who may see and answer, what is told at once, and what happens when a person goes."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from conversations.handoffs import listening
from conversations.handoffs.asking import call_person, pass_on
from conversations.handoffs.changing import join, say
from conversations.handoffs.forms import read_hours, write_hours
from conversations.inbox.admitting import write_inbox_ticket
from conversations.models import Chat, Handoff, HandoffReason, HandoffState, MessageRole
from conversations.tests.test_consumer import PAGE, VISITOR, bot
from knowledge.models import CuratedAnswer
from minirag.asgi import application
from tenants.context import run_sync, tenant_context
from tenants.models import Role, User
from tests.patient_socket import PatientSocket
from tests.test_admin import PASSWORD, browser

__all__ = ["bot"]

EVIL = "<script>alert(1)</script>"
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def handoff(bot) -> Handoff:
    chat = Chat.objects.create(bot_profile=bot, visitor_id=VISITOR, origin=PAGE, title=EVIL)
    pass_on(chat, f"Is it **open**? {EVIL}", "")
    return call_person(chat, HandoffReason.ASKED, contact_name=EVIL)


@pytest.fixture
def agent(acme) -> User:
    return User.objects.create_user(
        "ann@acme.example.com", PASSWORD, tenant=acme.tenant, role=Role.AGENT, display_name="Ann"
    )


def page_of(handoff: Handoff, act: str = "change") -> str:
    return f"/admin/conversations/handoff/{handoff.pk}/{act}/"


def test_a_person_answers_on_the_page(acme, agent, handoff):
    client = browser(agent.email, "acme")
    shown = client.get("/admin/conversations/handoff/").content.decode()
    assert "&lt;script&gt;alert(1)" in shown and EVIL not in shown
    chat = client.get(page_of(handoff)).content.decode()
    assert "Is it **open**?" in chat and EVIL not in chat and 'data-state="waiting"' in chat
    early = client.post(page_of(handoff, "say"), {"content": "Hi"}, **JSON)
    assert (early.status_code, early.json()["code"]) == (409, "handoff_waiting")
    joined = client.post(page_of(handoff, "join"), **JSON)
    assert joined.json() == {
        "state": "joined", "told": "You answer in this chat.", "is_mine": True,
    }  # fmt: skip
    for content in ("", "  ", "x" * 32_001):
        assert client.post(page_of(handoff, "say"), {"content": content}, **JSON).status_code == 422
    assert client.post(page_of(handoff, "say"), {"content": "Yes."}).status_code == 302
    said = handoff.chat.messages.get(role=MessageRole.PERSON)
    assert (said.content, said.author_name, said.author_id) == ("Yes.", "Ann", agent.pk)
    assert client.post(page_of(handoff, "hand-back"), **JSON).json()["state"] == "closed"
    late = client.post(page_of(handoff, "say"), {"content": "Hi"}, **JSON)
    assert late.json()["code"] == "handoff_closed"


def test_roles_and_other_tenants_are_kept_out(acme, globex, bob, handoff):
    theirs = browser(globex.owner.email, "globex")
    for client, allowed in ((browser(bob.email, "acme"), 200), (theirs, 302)):
        assert client.get(page_of(handoff)).status_code == allowed
        for act in ("join", "take-over", "say", "hand-back", "release", "close"):
            answer = client.post(page_of(handoff, act), {"content": "x"}, **JSON)
            assert answer.status_code in (403, 404), act
            assert client.get(page_of(handoff, act)).status_code in (403, 404, 405)
    handoff.refresh_from_db()
    assert handoff.state == HandoffState.WAITING


def test_an_answer_of_a_person_becomes_a_curated_one(acme, bot, handoff):
    join(handoff, acme.owner)
    said = say(handoff, acme.owner, "Yes, until five.")
    client = browser(acme.owner.email, "acme")
    path = f"/admin/conversations/handoff/{handoff.pk}/curate/{said.pk}/"
    shown = client.get(path).content.decode()
    assert "Yes, until five." in shown and "Is it **open**?" in shown
    data = {"questions": "Is it open?", "answer": "Yes, until five."}
    assert client.post(path, data).status_code == 302
    assert CuratedAnswer.objects.get().answer == "Yes, until five."


def test_hours_are_lines_that_people_can_read():
    hours = {"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "sat": []}
    assert write_hours(hours) == "mon 09:00-12:00, 13:00-17:00\nsat closed"
    assert read_hours("Monday 9:00-12:00, 13:00 – 17:00\n\nsat closed") == hours
    for wrong in ("9-17", "mon", "mon 9-17", "mon 09:00-17:00\nmon 09:00-17:00", "mon 17:00-09:00"):
        with pytest.raises(Exception, match=r"day|span|times"):
            read_hours(wrong)


# --- The socket ---------------------------------------------------------------------------------------------------
def watch(*, until, cookies="", then=None, path="/t/acme/ws/inbox/", **credential):
    """Watch until a frame of a type (and after `then`, which happens once the first state came), or the end."""
    told = []

    async def run():
        headers = [(b"host", b"localhost"), (b"cookie", cookies.encode())]
        socket = PatientSocket(application, path, headers=headers)
        connected, _ = await socket.connect()
        assert connected
        await socket.send_to(text_data=json.dumps({"type": "watch", **credential}))
        has_acted = then is None
        while True:
            event = await socket.receive_output()
            if event["type"] == "websocket.close":
                told.append({"type": "closed", "code": event["code"]})
                return
            told.append(json.loads(event["text"]))
            if not has_acted and told[-1]["type"] == "state":
                has_acted = True
                await run_sync(then)
            elif has_acted and until(told[-1]):
                break
        await socket.disconnect()

    with tenant_context(None):
        async_to_sync(run)()
    return told


def in_acme(acme, act):
    def run():
        with tenant_context(acme.tenant):
            act()

    return run


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(listening, "LOOK_AGAIN_SECONDS", 0.01)


@pytest.fixture
def page(acme, agent):
    """The agent's page: its cookie and ticket, and its browser."""
    client = browser(agent.email, "acme")
    shown = client.get("/admin/conversations/handoff/").content.decode()
    [ticket] = re.findall(r'data-ticket="([^"]+)"', shown)
    cookies = "; ".join(f"{name}={each.value}" for name, each in client.cookies.items())
    return {"ticket": ticket, "cookies": cookies}, client


def test_the_page_is_told_what_is_said_and_who_is_there(acme, agent, handoff, page, quick):
    join(handoff, acme.owner)

    def go_on():
        say(Handoff.objects.get(pk=handoff.pk), acme.owner, "We open at nine.")

    told = watch(
        handoff_id=str(handoff.pk), then=in_acme(acme, go_on), **page[0],
        until=lambda frame: frame.get("content") == "We open at nine.",
    )  # fmt: skip
    kinds = [each["type"] for each in told]
    assert kinds[0] == "inbox" and (told[0]["waiting"], told[0]["joined"]) == (0, 1)
    assert told[-1]["role"] == "person"
    [state] = [each for each in told if each["type"] == "state"]
    assert not state["is_mine"] and acme.owner.display_name in state["told"]


def test_the_page_is_told_in_its_readers_language_and_a_program_in_english(
    acme, agent, handoff, page, quick
):
    join(handoff, agent)
    german = {"cookies": f"{page[0]['cookies']}; django_language=de"}
    said = {}
    for name, credential in (
        ("page", page[0] | german),
        ("program", german | {"token": acme.raw_token}),
    ):
        told = watch(
            handoff_id=str(handoff.pk), until=lambda frame: frame["type"] == "state", **credential
        )
        said[name] = told[-1]["told"]
    assert said == {
        "page": "Sie antworten in dieser Unterhaltung.",
        "program": "Ann answers in this chat.",
    }


def test_who_logs_out_leaves_the_chat_to_others(acme, agent, handoff, page, quick):
    credential, client = page
    join(handoff, agent)
    told = watch(
        handoff_id=str(handoff.pk), then=lambda: client.post("/admin/logout/"), **credential,
        until=lambda frame: False,
    )  # fmt: skip
    assert [each["type"] for each in told][-2:] == ["error", "closed"] and told[-1]["code"] == 4401
    handoff.refresh_from_db()
    assert handoff.state == HandoffState.WAITING


def test_who_loses_the_role_leaves_the_chat_to_others(acme, agent, handoff, page, quick):
    join(handoff, agent)

    def demote():
        User.objects.filter(pk=agent.pk).update(role=Role.MEMBER)

    told = watch(
        handoff_id=str(handoff.pk), then=in_acme(acme, demote), **page[0],
        until=lambda frame: frame.get("state") == "waiting",
    )  # fmt: skip
    assert told[-1]["state"] == "waiting"


def test_an_open_page_keeps_the_chat_with_its_person(acme, agent, handoff, page, quick):
    join(handoff, agent, held_for=timedelta(seconds=0))
    before = timezone.now()
    watch(handoff_id=str(handoff.pk), until=lambda frame: frame["type"] == "state", **page[0])
    handoff.refresh_from_db()
    assert handoff.held_until > before + timedelta(seconds=60)


def test_nobody_else_may_watch(acme, globex, bob, agent, handoff, page):
    credential, _ = page
    cookies, ticket = credential["cookies"], credential["ticket"]
    with tenant_context(acme.tenant):
        of_bob = write_inbox_ticket(bob)
    with tenant_context(globex.tenant):
        of_globex = write_inbox_ticket(globex.owner)
    refused = [
        {}, {"ticket": ticket}, {"cookies": cookies}, {"cookies": cookies, "ticket": of_bob},
        {"cookies": cookies, "ticket": of_globex}, {"token": globex.raw_token}, {"token": "wrong"},
        {"cookies": cookies, "ticket": ticket, "path": "/t/globex/ws/inbox/"},
        {"token": globex.raw_token, "path": "/ws/inbox/", "handoff_id": str(handoff.pk)},
    ]  # fmt: skip
    for each in refused:
        told = watch(until=lambda frame: False, **each)
        assert [frame["type"] for frame in told] == ["error", "closed"], (each, told)
        assert EVIL not in json.dumps(told)
