"""One tenant's side of the API, and what its bots would answer from."""

from __future__ import annotations

import uuid
from typing import Any

from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from bots.models import BotProfile
from conftest import Party
from knowledge.indexing.chunking import ChunkDraft, hash_content
from knowledge.indexing.ingestion import ingest
from knowledge.models import ANYONE, Document, DocumentEdit, EditStatus, Source
from knowledge.retrieval.retrieving import Retrieval, retrieve
from knowledge.tests.texts import HANDBOOK
from knowledge.versions.texts import hash_words, pack
from tenants.context import tenant_context

JSON = "application/json"
QUESTION = "How many months does the warranty of the Aeris One last?"


class Api:
    def __init__(self, client: Client, party: Party) -> None:
        self.client, self.party = client, party

    def send(self, method: str, path: str, **body: Any) -> Any:
        return getattr(self.client, method)(f"/v1/{path}", body, content_type=JSON)

    def get(self, path: str) -> Any:
        response = self.client.get(f"/v1/{path}")
        assert response.status_code == 200, response.content
        return response.json()

    def make(self, path: str, **body: Any) -> Any:
        response = self.send("post", path, **body)
        assert response.status_code in (200, 201), response.content
        return response.json()

    def bot(self, name: str = "Support", **fields: Any) -> str:
        return self.make("bot-profiles", name=name, embedding_model="minirag/hash", **fields)["id"]

    def dataset(self, name: str = "Handbooks", **fields: Any) -> str:
        return self.make("datasets", name=name, embedding_model="minirag/hash", **fields)["id"]

    def link(self, dataset: str, bot: str, **fields: Any) -> Any:
        return self.make(f"datasets/{dataset}/bots", bot_profile_id=bot, **fields)

    def teach(self, content: str = HANDBOOK, name: str = "Handbook", **fields: Any) -> str:
        source = self.make("sources", name=name, source_type="text", content=content, **fields)
        assert self.ingest(source["id"]) == "ready"
        return source["id"]

    def ingest(self, source_id: str) -> str:
        """Ingest as a worker would; returns the status."""
        with tenant_context(self.party.tenant):
            ingest(uuid.UUID(source_id))
            return Source.objects.get(pk=source_id).status

    def retrieve(self, bot: str, question: str = QUESTION) -> Retrieval:
        with tenant_context(self.party.tenant):
            return async_to_sync(retrieve)(
                BotProfile.objects.get(pk=bot), question, audience=ANYONE
            )

    def answers(self, bot: str, question: str = QUESTION) -> list[str]:
        """The sources that the bot's very next answer would come from, best first."""
        return [str(passage.source_id) for passage in self.retrieve(bot, question).passages]

    def row(self, source_id: str) -> Source:
        with tenant_context(self.party.tenant):
            return Source.objects.get(pk=source_id)


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def make_draft(heading: str, content: str, ordinal: int = 0) -> ChunkDraft:
    digest = hash_content(heading, content)
    return ChunkDraft(ordinal, heading, content, None, len(content.split()), digest)


def make_edit(document: Document, text: str = "Open from 9 to 20.") -> DocumentEdit:
    """An edit that answers, and whose source says something else since."""
    mine, theirs = [make_draft("", text)], [make_draft("", "Open from 9 to 18.")]
    return DocumentEdit.objects.create(
        document=document, mine=pack(mine), mine_hash=hash_words(mine), mine_bytes=len(text), theirs=pack(theirs),
        theirs_hash=hash_words(theirs), base_hash="0", status=EditStatus.APPLIED, is_in_force=True,
        conflict_since=timezone.now(), edited_at=timezone.now(),
    )  # fmt: skip
