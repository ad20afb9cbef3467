"""Measure the product's own search on a folder of judged questions."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import CommandError

from bots.models import BotProfile
from knowledge.indexing.chunking import ChunkDraft, estimate_tokens, hash_content
from knowledge.indexing.embedding import embed_chunks
from knowledge.indexing.forgetting import forget_knowledge
from knowledge.indexing.incoming import NewDocument, identify_chunks
from knowledge.indexing.search_indexes import ensure_indexes
from knowledge.indexing.swap import swap_knowledge
from knowledge.models import ANYONE, Dataset, Source, SourceType
from knowledge.retrieval.evaluation import (
    BadFolder,
    JudgedSet,
    find_percentile,
    load_judged_set,
    measure_all,
)
from knowledge.retrieval.retrieving import retrieve
from minirag.lib.text.languages import detect_language
from tenants.context import tenant_context
from tenants.models import Tenant
from tenants.provisioning import erase_tenant, provision_tenant

DEPTH = 10


def measure_folder(
    folder: Path,
    say: Callable[[str], None],
    *,
    limit: int | None,
    tenant: str | None,
    **options: Any,
) -> None:
    """Print nDCG@10, recall@10 and MRR@10 of the product's search on a folder of judged questions.

    It works in the tenant of this slug, in a bot that is removed again, or in one that is erased afterwards. `options`
    are `model`, `fusion` and `dense_weight` of the bot. Raises CommandError.
    """
    try:
        judged = load_judged_set(folder, limit=limit)
    except BadFolder as error:
        raise CommandError(str(error)) from None
    if not judged.queries:
        raise CommandError(f"{folder} has no judged question.")
    with workplace(tenant), own_bot(options) as bot:
        seconds = teach_whole(bot, judged)
        count = len(judged.documents)
        say(f"{folder.name}: {count} documents in {seconds:.1f} s ({count / seconds:.0f}/s)")
        say(_ask(bot, judged))


def _ask(bot: BotProfile, judged: JudgedSet) -> str:
    runs: dict[str, list[str]] = {}
    times: list[float] = []
    document_of = name_documents(bot, judged)

    async def ask_all() -> None:
        for query_id, text in judged.queries:
            found = await retrieve(bot, text, audience=ANYONE, limit=DEPTH, bases=())
            runs[query_id] = [document_of[passage.document_id] for passage in found.passages]
            times.append(found.milliseconds)

    async_to_sync(ask_all)()
    figures = measure_all(runs, judged.judgements)
    return (
        f"{len(runs)} questions: nDCG@10 {figures.ndcg:.4f}  recall@10 {figures.recall:.4f}  "
        f"MRR@10 {figures.reciprocal_rank:.4f}  "
        f"p50 {find_percentile(times, 0.5):.1f} ms  p95 {find_percentile(times, 0.95):.1f} ms"
    )


@contextmanager
def workplace(slug: str | None) -> Iterator[None]:
    """Be in the tenant `slug`, or in one that exists only for the body."""
    if slug is not None:
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {slug!r}.")
        with tenant_context(tenant):
            yield
        return
    name = f"evaluation-{secrets.token_hex(4)}"
    made = provision_tenant(
        name=name,
        slug=name,
        owner_email=f"{name}@example.com",
        owner_password=secrets.token_hex(16),
    )
    try:
        with tenant_context(made.tenant):
            yield
    finally:
        erase_tenant(made.tenant, actor="evaluate")


@contextmanager
def own_bot(options: dict[str, Any]) -> Iterator[BotProfile]:
    """A bot that exists only for the body."""
    bot = BotProfile.objects.create(
        name=f"Evaluation {secrets.token_hex(4)}", embedding_model=options["model"], fusion=options["fusion"],
        dense_weight=options["dense_weight"],
    )  # fmt: skip
    try:
        yield bot
    finally:
        for source in Source.objects.filter(bot_profile=bot):
            forget_knowledge(source.pk)
        bot.delete()


def teach_whole(bot: BotProfile, judged: JudgedSet) -> float:
    """Let each document of the set be one chunk of a new source of the bot's; returns the seconds it took."""
    started = time.monotonic()
    languages = detect_language(" ".join(text[:400] for _, _, text in judged.documents[:50]))
    documents = [
        make_document(title, text, key, languages) for key, title, text in judged.documents
    ]
    source = make_source(bot)
    chunks = identify_chunks(source.pk, documents)
    model = bot.effective_embedding_model
    vectors = embed_chunks(bot, model, chunks, source_id=source.pk)
    held = Source.objects.claim(source.pk)
    assert held is not None  # noqa: S101
    vectorless = {chunk.id for chunk in chunks} - vectors.keys()
    swap_knowledge(held, documents, chunks, vectors, embedding_model=model, vectorless=vectorless)
    ensure_indexes(len(next(iter(vectors.values()))) if vectors else 0)
    return time.monotonic() - started


def name_documents(bot: BotProfile, judged: JudgedSet) -> dict[uuid.UUID, str]:
    """Return the set's own key for each document that `teach_whole` has stored."""
    namespace = namespace_of(bot)
    return {uuid.uuid5(namespace, f"document {key}"): key for key, _, _ in judged.documents}


def namespace_of(bot: BotProfile) -> uuid.UUID:
    return Source.objects.values_list("pk", flat=True).get(bot_profile=bot)


def make_source(bot: BotProfile) -> Source:
    dataset = Dataset.objects.create(
        name=bot.name, bot_profile=bot, embedding_model=bot.effective_embedding_model
    )
    return Source.objects.create(
        bot_profile=bot, dataset=dataset, name="Corpus", source_type=SourceType.TEXT
    )


def make_document(title: str, text: str, key: str, language: str) -> NewDocument:
    """A document of one chunk, so that figures compare with those of others."""
    text = text.replace("\0", " ")
    draft = ChunkDraft(
        0, title[:1000], text, None, estimate_tokens([text])[0], hash_content(title, text)
    )
    return NewDocument(title, language, [draft], char_count=len(text), key=key)
