"""`/v1/chunks` and `/v1/corrections`: what an operator sees and does, and what nobody else reaches."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from knowledge.models import Correction
from knowledge.tests.api import QUESTION, Api, refusal
from knowledge.tests.conftest import HANDBOOK, WARRANTY
from tenants.context import tenant_context
from tenants.models import AuditEvent

MINE = WARRANTY.replace("36", "48")


@pytest.fixture
def bot(api) -> str:
    return api.bot()


@pytest.fixture
def source(api, bot) -> str:
    return api.teach(bot_profile_id=bot)


def search(api: Api, words: str, **where: str) -> list[str]:
    query = "&".join(f"{name}={value}" for name, value in {"q": words, **where}.items())
    found = api.get(f"chunks?{query}")
    assert found["total"] >= len(found["items"])
    return [each["heading"].rpartition(" > ")[2] for each in found["items"]]


def texts(api: Api, bot: str) -> list[str]:
    return [each.content for each in api.retrieve(bot, QUESTION).passages]


def correct(api: Api, chunk: str, **changes: object) -> dict:
    response = api.send("patch", f"chunks/{chunk}", **changes)
    assert response.status_code == 200, response.content
    return response.json()


def again(api: Api, source: str, content: str) -> None:
    assert api.send("patch", f"sources/{source}", content=content).status_code == 200
    assert api.ingest(source) == "ready"


def test_chunks_are_searched_by_their_words_in_any_form(api, source, bot, theirs):
    assert search(api, "warranties purchased") == ["Warranty"]
    assert search(api, "sensor") == ["Calibration", "Warranty"] or search(api, "sensor") == [
        "Warranty", "Calibration"
    ]  # fmt: skip
    assert search(api, "sens") == [] and search(api, "sensor refund") == []
    assert search(api, "%E2%80%9Cblue calibration cap%E2%80%9D lamp") == ["Calibration"]
    assert search(api, "%22calibration blue%22") == []
    assert search(api, "36") == ["Warranty"] and search(api, "returns") == ["Returns"]
    assert search(api, "the of") == [] and len(search(api, "the")) == 3  # only as it stands
    assert search(api, "warranty", bot_profile_id=bot, source_id=source) == ["Warranty"]
    assert search(api, "warranty", bot_profile_id=str(uuid4())) == []
    german = "# Garantie\n\nDie Garantien der Geräte gelten für drei Jahre, und zwar in allen Ländern der Union."
    api.teach(german, name="Handbuch", bot_profile_id=bot)
    assert search(api, "Garantie Gerät Land") == ["Garantie"] or search(api, "Garantie Gerät") != []
    first = api.get("chunks?limit=1")
    second = api.get(f"chunks?limit=2&cursor={first['next_cursor']}")
    assert first["total"] == 4 and len(second["items"]) == 2
    assert search(theirs, "warranty") == [] and theirs.get("chunks")["total"] == 0


def test_a_chunk_is_corrected_and_shows_both_texts_who_and_when(api, acme, source, bot):
    (chunk,) = api.get("chunks?q=warranty")["items"]
    assert chunk["correction"] is None and chunk["original"] == chunk["content"] == WARRANTY
    found = correct(api, chunk["id"], content=MINE, note="New terms")
    assert texts(api, bot)[0] == MINE
    assert (found["content"], found["original"], found["is_answering"]) == (MINE, WARRANTY, True)
    said = found["correction"]
    assert (said["author"], said["note"], said["state"]) == (acme.owner.email, "New terms", "live")
    again(api, source, HANDBOOK + "More.")
    assert texts(api, bot)[0] == MINE
    assert api.get(f"chunks/{chunk['id']}") == api.get(
        f"chunks/{found['id']}"
    )  # as old citations name it
    assert api.get("corrections?q=warranty 48")["total"] == 1
    assert api.get("corrections?q=warranty 99")["total"] == 0
    assert api.get("chunks?q=48")["items"][0]["correction"]["id"] == said["id"]
    with tenant_context(acme.tenant):
        event = AuditEvent.objects.filter(action="chunk.changed").get()
    assert WARRANTY not in str(event.detail) and MINE not in str(event.detail)
    assert correct(api, found["id"], content=None)["correction"] is None
    assert texts(api, bot)[0] == WARRANTY and api.get("corrections")["total"] == 0


def test_a_switched_off_chunk_is_listed_and_switched_on_again(api, source, bot):
    (chunk,) = api.get("chunks?q=warranty")["items"]
    found = correct(api, chunk["id"], is_off=True)
    assert not found["is_answering"] and WARRANTY not in texts(api, bot)
    assert api.get("chunks")["total"] == 2 and api.row(source).chunk_count == 2
    (said,) = api.get(f"corrections?is_off=true&source_id={source}")["items"]
    assert said["original"] == WARRANTY and said["theirs"][0]["held"]
    assert correct(api, chunk["id"], is_off=False) == chunk
    assert WARRANTY in texts(api, bot) and api.get("corrections")["total"] == 0


def test_conflicts_are_listed_and_decided(api, source, bot):
    (chunk,) = api.get("chunks?q=warranty")["items"]
    said = correct(api, chunk["id"], content=MINE)["correction"]
    theirs = WARRANTY.replace("36", "60")
    again(api, source, HANDBOOK.replace(WARRANTY, theirs))
    (conflict,) = api.get("corrections?is_conflict=true")["items"]
    assert conflict["id"] == said["id"] and conflict["state"] == "changed"
    assert (conflict["original"], conflict["content"]) == (WARRANTY, MINE)
    assert conflict["theirs"][0]["content"] == theirs and conflict["conflict_since"]
    decided = api.make(f"corrections/{said['id']}/decide", decision="take_theirs")
    assert decided == {"decision": "take_theirs", "correction": None}
    assert texts(api, bot)[0] == theirs
    assert api.send("post", f"corrections/{said['id']}/decide", decision="drop").status_code == 404


def test_what_cannot_be_done_is_refused_with_its_reason(api, source, theirs):
    (chunk,) = api.get("chunks?q=warranty")["items"]
    path = f"chunks/{chunk['id']}"
    assert refusal(api.send("patch", path, content=" \n ")) == (422, "chunk_empty")
    assert api.send("patch", path, content="x" * 8001).status_code == 422
    assert api.send("patch", path, is_off=None).status_code == 422
    assert refusal(api.send("delete", path)) == (409, "chunk_not_added")
    said = correct(api, chunk["id"], is_pinned=True)["correction"]
    assert refusal(api.send("post", f"corrections/{said['id']}/decide", decision="drop")) == (
        409, "no_conflict",
    )  # fmt: skip
    assert api.send("post", "chunks", content="x").status_code == 422
    empty = api.make(
        "sources", name="E", source_type="text", content="x", bot_profile_id=api.bot("B")
    )
    assert refusal(api.send("post", "chunks", source_id=empty["id"], content="x")) == (
        422, "document_needed",
    )  # fmt: skip
    for path in (f"chunks/{chunk['id']}", f"corrections/{said['id']}"):
        assert theirs.client.get(f"/v1/{path}").status_code == 404
        assert theirs.client.delete(f"/v1/{path}").status_code == 404
    assert theirs.send("patch", f"chunks/{chunk['id']}", is_off=True).status_code == 404
    with tenant_context(api.party.tenant):
        assert Correction.objects.get().pk == UUID(said["id"])


def test_an_added_chunk_is_made_shown_changed_and_deleted(api, source, bot):
    document = api.get("documents")["items"][0]["id"]
    added = api.make(
        "chunks", document_id=document, heading="Weight", content="It weighs 7 kilograms."
    )
    assert added["correction"]["is_added"] and added["heading"] == "Weight"
    again(api, source, HANDBOOK + "More.")
    assert api.get("chunks?q=weighs")["items"][0]["content"] == "It weighs 7 kilograms."
    assert correct(api, added["id"], content="It weighs 8 kilograms.")["is_answering"]
    assert api.get(f"chunks/{added['id']}")["content"] == "It weighs 8 kilograms."
    assert api.send("delete", f"chunks/{added['id']}").status_code == 204
    assert api.get("chunks?q=weighs")["total"] == 0 == api.get("corrections")["total"]
