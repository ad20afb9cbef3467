"""How far a source is, over a socket: told to whoever may read it, in its own tenant, and to nobody else."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from conversations.tests.test_consumer import open_session
from knowledge.models import Source
from knowledge.progress import consumers
from knowledge.progress.watching import write_source_ticket
from knowledge.tests.conftest import make_bot, make_source
from minirag.asgi import application
from tenants.authentication import issue_jwt
from tenants.context import run_sync, tenant_context
from tests.patient_socket import PatientSocket
from tests.test_admin import browser


@pytest.fixture
def source(bot) -> Source:
    return make_source(bot, name="Handbook")


@pytest.fixture
def theirs(globex) -> Source:
    with tenant_context(globex.tenant):
        return make_source(make_bot(), name="Secret of globex")


def watch(source_id, *, path="/ws/sources/", by=None, then=None, frames=1, raw=None, **credential):
    """Watch a source until so many frames came, or the socket was closed; `then` happens after the first."""
    told = []

    async def run():
        cookies = (
            "; ".join(f"{name}={each.value}" for name, each in by.cookies.items()) if by else ""
        )
        headers = [(b"host", b"localhost"), (b"cookie", cookies.encode())]
        socket = PatientSocket(application, path, headers=headers)
        connected, _ = await socket.connect()
        assert connected
        frame = {"type": "watch", "source_ids": [str(source_id)], **credential}
        await socket.send_to(text_data=raw or json.dumps(frame))
        while len(told) < frames:
            event = await socket.receive_output()
            if event["type"] == "websocket.close":
                told.append({"type": "closed", "code": event["code"]})
                return
            told.append(json.loads(event["text"]))
            if then and len(told) == 1:
                await run_sync(then)
        await socket.disconnect()

    with tenant_context(None):
        async_to_sync(run)()
    return told


def test_progress_is_told_as_it_changes(acme, source, monkeypatch):
    monkeypatch.setattr(consumers, "SECONDS_WHILE_MOVING", 0.01)

    def go_on() -> None:
        with tenant_context(acme.tenant):
            Source.objects.filter(pk=source.pk).update(
                status="processing", progress_stage="crawling", progress_done=3, progress_total=20
            )

    first, second = watch(source.pk, token=acme.raw_token, then=go_on, frames=2)
    assert (first["type"], first["status"], first["shown"]) == (
        "progress",
        "pending",
        "Not ingested yet",
    )
    assert first["source_id"] == str(source.pk)
    assert (second["stage"], second["done"], second["total"]) == ("crawling", 3, 20)
    assert second["shown"] == "Crawling 3 of 20"


def test_a_member_may_watch_and_so_may_the_page_of_the_admin(acme, bob, source):
    [told] = watch(source.pk, token=issue_jwt(bob))
    assert told["type"] == "progress"
    with tenant_context(acme.tenant):
        ticket = write_source_ticket(bob, source.pk)
    page = browser(bob.email, "acme")
    [told] = watch(source.pk, ticket=ticket, path="/t/acme/ws/sources/", by=page)
    assert told["type"] == "progress"
    page.post("/admin/logout/")
    told = watch(source.pk, ticket=ticket, path="/t/acme/ws/sources/", by=page, frames=2)
    assert [each["type"] for each in told] == ["error", "closed"]


def test_nobody_else_may_watch(acme, globex, bob, source, theirs, bot):
    with tenant_context(acme.tenant):
        ours = write_source_ticket(bob, source.pk)
        of_another = write_source_ticket(globex.owner, source.pk)
        of_alice = write_source_ticket(acme.owner, source.pk)
        other = make_source(bot, name="Other")
    bot.is_public = True
    bot.save()
    here, page = "/t/acme/ws/sources/", browser(bob.email, "acme")
    gina = browser(globex.owner.email, "globex")
    visitor = open_session(bot, origin="http://testserver").json()["session_token"]
    refused = [
        watch(source.pk, frames=2),
        watch(source.pk, token="wrong", frames=2),
        watch(source.pk, token=visitor, frames=2),
        watch(source.pk, ticket=visitor, frames=2),
        watch(source.pk, token=globex.raw_token, frames=2),
        watch(theirs.pk, token=acme.raw_token, frames=2),
        watch(source.pk, token=globex.raw_token, path="/t/acme/ws/sources/", frames=2),
        watch(source.pk, token=acme.raw_token, path="/t/globex/ws/sources/", frames=2),
        watch(source.pk, ticket=ours, path="/t/globex/ws/sources/", by=page, frames=2),
        watch(source.pk, ticket=ours, path=here, frames=2),
        watch(source.pk, ticket=of_alice, path=here, by=page, frames=2),
        watch(other.pk, ticket=ours, path=here, by=page, frames=2),
        watch(theirs.pk, ticket=ours, path=here, by=page, frames=2),
        watch(source.pk, ticket=of_another, path=here, by=gina, frames=2),
        watch(uuid4(), token=acme.raw_token, frames=2),
        watch(source.pk, raw="[]", frames=2),
        watch(source.pk, raw='{"type": "watch", "source_ids": []}', frames=2),
    ]
    for told in refused:
        assert [each["type"] for each in told] == ["error", "closed"], told
        assert told[1]["code"] == 4401 and "globex" not in json.dumps(told).lower()
    bob.is_active = False
    bob.save()
    assert watch(source.pk, ticket=ours, path=here, by=page, frames=2)[0]["code"] == "token_invalid"


def test_who_may_watch_no_longer_is_sent_away(acme, source, bob, monkeypatch):
    monkeypatch.setattr(consumers, "SECONDS_AT_REST", 0.01)
    monkeypatch.setattr(consumers, "SECONDS_WHILE_MOVING", 0.01)

    def leave() -> None:
        bob.is_active = False
        bob.save()

    told = watch(source.pk, token=issue_jwt(bob), then=leave, frames=3)
    assert [each["type"] for each in told] == ["progress", "error", "closed"]


def test_the_page_of_a_source_carries_its_ticket_and_the_script(acme, source):
    alice = browser("alice@acme.example.com", "acme")
    page = alice.get(f"/admin/knowledge/source/{source.pk}/change/")
    said = page.content.decode()
    assert re.search(r'<script src="[^"]*minirag/progress.js" defer>', said), (
        "it looks at the whole page"
    )
    assert f'data-progress="{source.pk}"' in said
    ticket = said.split('data-ticket="')[1].split('"')[0]
    assert 'data-socket="/t/acme/ws/sources/"' in said
    [told] = watch(source.pk, ticket=ticket, path="/t/acme/ws/sources/", by=alice)
    assert told["shown"] == "Not ingested yet"
