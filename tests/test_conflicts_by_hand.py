"""The buttons of a conflict, pressed: what each of them has the bot answer, in its very next answer."""

from __future__ import annotations

import pytest

from bots.models import BotProfile
from conftest import Party
from knowledge import tasks
from knowledge.corrections.changing import change_chunk
from knowledge.edits.changing import change_document
from knowledge.models import Correction, DocumentEdit, Source
from knowledge.tests.conftest import HANDBOOK, make_bot, teach
from knowledge.tests.test_corrections import MINE, again, chunk_of
from tenants.admin_site.sites import tenant_site
from tests.test_admin import Browser, alice
from webhooks.models import Delivery
from webhooks.subscriptions import create_webhook

__all__ = ["alice"]
QUESTION = "How many months does the warranty of the Aeris One last?"
ANN = "ann@acme.example.com"
NEWS = HANDBOOK.replace("36 months", "24 months")


@pytest.fixture
def bot(in_acme: Party, monkeypatch) -> BotProfile:
    for task in (tasks.ingest_source, tasks.apply_edit):
        monkeypatch.setattr(task, "apply_async", lambda *_, **__: None)
    return make_bot(model="minirag/extractive")


def answer(client, bot: BotProfile) -> str:
    body = {"bot_profile_id": str(bot.pk), "message": QUESTION}
    response = client.post("/v1/chat", body, content_type="application/json")
    assert response.status_code == 200, response.content
    return response.json()["message"]["content"]


def press(alice: Browser, model: type, pk: object, act: str) -> None:
    page = alice.url(tenant_site, model, "change", pk)
    url = page.replace("/change/", f"/{act}/")
    assert f"{act}/" in alice.get(page).content.decode(), "the button is offered"
    assert alice.get(url).status_code == 200
    assert alice.post(url, {}).status_code == 302


@pytest.mark.parametrize(
    ("act", "months"), [("keep_mine", "48"), ("take_theirs", "24"), ("drop", "")]
)
def test_a_corrected_chunk_whose_source_has_changed(alice, as_acme, bot, act, months):
    create_webhook(url="https://hooks.example.com", events=["chunk.conflicted"])
    source = teach(bot)
    change_chunk(chunk_of(source, "36 months").pk, {"content": MINE}, author=ANN)
    again(source, NEWS)
    correction = Correction.objects.get()
    (told,) = Delivery.objects.filter(event_type="chunk.conflicted")
    assert str(correction.pk) in told.body and "warranty" not in told.body
    assert "48 months" in answer(as_acme, bot), "until it is decided"

    press(alice, Correction, correction.pk, act)
    said = answer(as_acme, bot)
    assert [each for each in ("24", "36", "48") if f"{each} months" in said] == (
        [months] if months else []
    )
    again(source, NEWS + "\n\nMore.")
    assert answer(as_acme, bot) == said, "and so it stays when the source is read again"
    assert Delivery.objects.filter(event_type="chunk.conflicted").count() == 1


@pytest.mark.parametrize(("act", "months"), [("keep_edit", "48"), ("take_from_source", "24")])
def test_an_edited_document_whose_source_has_changed(alice, as_acme, bot, act, months):
    source = teach(bot)
    document = source.documents.get()
    edit(document, HANDBOOK.replace("36 months", "48 months"))
    again(Source.objects.get(pk=source.pk), NEWS)
    assert "48 months" in answer(as_acme, bot), "until it is decided"
    press(alice, type(document), document.pk, act)
    put_in()
    assert f"{months} months" in answer(as_acme, bot)


def test_an_edit_that_is_undone(alice, as_acme, bot):
    document = teach(bot).documents.get()
    edit(document, HANDBOOK.replace("36 months", "48 months"))
    press(alice, type(document), document.pk, "undo_edit")
    put_in()
    assert "36 months" in answer(as_acme, bot)


def edit(document, text: str) -> None:
    change_document(document.pk, {"content": text})
    put_in()


def put_in() -> None:
    """Do as a worker would what waits."""
    for pk in DocumentEdit.objects.busy().values_list("pk", flat=True):
        tasks.apply_edit.run(str(pk))
