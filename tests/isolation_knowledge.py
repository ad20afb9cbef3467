"""The knowledge of the two tenants of the tests of isolation: a row of every model of that app for each."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from knowledge.corrections.changing import add_chunk
from knowledge.curated.changing import create_answer
from knowledge.indexing.ingestion import ingest
from knowledge.models import (
    Chunk,
    CuratedVector,
    DocumentVersion,
    NextVector,
    Reembedding,
    RefusalFloors,
    RestrictedPart,
    SitePage,
    SiteSync,
    Source,
    StagedText,
    StagedVector,
)
from knowledge.tests.api import make_draft, make_edit
from knowledge.versions.texts import pack
from tests.isolation_rows import GIT_TOKEN, NYXCORE_TOKEN, Rows, post


def fill_sources(client: Client, rows: Rows, word: str) -> None:
    text = {
        "bot_profile_id": rows.bot,
        "name": f"Notes {word}",
        "source_type": "text",
        "content": _text_of(word),
    }
    rows.source = post(client, "/v1/sources", text)["id"]
    config = {"base_url": f"https://{word}.example.com", "api_token": NYXCORE_TOKEN}
    nyxcore = text | {"source_type": "nyxcore", "content": None, "config": config}
    rows.nyxcore = post(client, "/v1/sources", nyxcore)["id"]
    site = text | {
        "source_type": "site",
        "content": None,
        "config": {"url": f"https://{word}.example.com"},
    }
    rows.site = post(client, "/v1/sources", site)["id"]
    config = {"url": f"https://github.com/{word}/docs", "token": GIT_TOKEN}
    rows.git = post(client, "/v1/sources", site | {"source_type": "git", "config": config})["id"]
    shared = {"name": f"Shared {word}", "embedding_model": "minirag/hash"}
    rows.dataset = post(client, "/v1/datasets", shared)["id"]
    post(client, f"/v1/datasets/{rows.dataset}/bots", {"bot_profile_id": rows.bot})
    post(client, "/v1/sources", text | {"bot_profile_id": None, "dataset_id": rows.dataset})
    file = SimpleUploadedFile(f"{word}.txt", _text_of(word).encode(), content_type="text/plain")
    upload = client.post("/v1/sources/upload", {"bot_profile_id": rows.bot, "file": file})
    assert upload.status_code == 201, upload.content
    rows.upload = upload.json()["id"]


def ingest_sources(rows: Rows, word: str) -> None:
    for source_id in (rows.source, rows.upload):
        ingest(UUID(source_id))
    assert Source.objects.get(pk=rows.source).status == "ready"
    rows.external_id = f"{word}-42"
    Source.objects.filter(pk=rows.source).update(external_id=rows.external_id)
    chunk = Chunk.objects.select_related("source", "document").filter(source_id=rows.source).first()
    assert chunk is not None
    rows.document, rows.chunk = str(chunk.document_id), str(chunk.pk)
    added = add_chunk(
        document_id=chunk.document_id, source_id=None, content=f"The {word} is red.", heading=word, is_pinned=False,
        note=word, author=rows.party.owner.email,
    )  # fmt: skip
    assert added.correction is not None
    rows.correction = str(added.correction.pk)
    moment = timezone.now()
    version = DocumentVersion.objects.create(
        document_id=rows.document, number=1, title=word, content_at=moment, replaced_at=moment,
        body=pack([make_draft(word, f"The {word} was in the attic.")]),
    )  # fmt: skip
    make_edit(chunk.document, f"The {word} is in the garden.")
    rows.version = str(version.pk)
    NextVector.objects.create(
        chunk_id=chunk.pk,
        dataset_id=chunk.source.dataset_id,
        embedding_model="minirag/hash",
        emb=[0.5] * 384,
    )
    StagedText.objects.create(
        source_id=rows.source, embedding_model=f"{word}/embedder", facts={}, body=word.encode()
    )
    StagedVector.objects.create(
        chunk_id=chunk.pk, source_id=rows.source, embedding_model="minirag/hash", emb=[0.5] * 384
    )
    Reembedding.objects.create(
        dataset_id=chunk.source.dataset_id, embedding_model=f"{word}/embedder"
    )
    # Numbered from 1 in each tenant: an id of its own, so that acme's is not one of globex's.
    RefusalFloors.objects.create(
        pk=uuid4().int % 10**15, bot_profile_id=rows.bot, embedding_model=f"{word}/embedder",
        language="en", hopeless=0.1, balanced=0.2, strict=0.3, chunk_count=2,
    )  # fmt: skip
    sync = SiteSync.objects.create(source_id=rows.site, state="waiting", setup="0")
    rows.sync = str(sync.pk)
    SitePage.objects.create(pk=uuid4(), sync=sync, url=f"https://{word}.example.com/", title=word)
    pull = SiteSync.objects.create(source_id=rows.git, state="done", setup="0")
    file = SitePage(pk=uuid4(), sync=pull, url=f"docs/{word}.md", title=word, groups=[word])
    file.save(force_insert=True)
    RestrictedPart.objects.create(pk=uuid4(), source_id=rows.source, groups=[word])
    curated = create_answer(
        {"answer": f"The {word} is in the attic.", "owner_id": rows.party.owner.pk},
        questions=[f"Is the {word} in the attic?"], bot_profile_ids=[UUID(rows.bot)],
    )  # fmt: skip
    rows.curated = str(curated.pk)
    CuratedVector.objects.create(
        pk=uuid4().int % 10**15, question=curated.questions.get(), embedding_model="minirag/hash",
        emb=[0.5] * 384,
    )  # fmt: skip


def _text_of(word: str) -> str:
    return f"# House\n\nThe {word} of the house is kept in the cellar. Whoever asks for the {word} is told so."
