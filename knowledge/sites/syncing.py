"""One look at a source of many pages, from its start to what answers: `sync_source`.

open → walk, slice by slice → compare with the last version → nothing, or wait for a person, or one swap. The rows say
how far it is, so whoever claims the source next goes on there. What answers is one whole version at every instant.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from django.db import transaction
from django.utils import timezone

from bots.quotas.turns import TurnOver
from knowledge.connectors.pulling import Pull
from knowledge.connectors.registry import CONNECTORS
from knowledge.documents.putting import choose_model, lacks_vectors, put_documents
from knowledge.edits.holding import read_own, read_said
from knowledge.formats.cleaning import Rules
from knowledge.formats.isolated.packing import unpack
from knowledge.indexing.chunking import chunk_document
from knowledge.indexing.embedding import choose_counter
from knowledge.indexing.incoming import NewDocument, identify_page_document
from knowledge.indexing.loading import VERSION
from knowledge.indexing.staging import find_text, keep_text, read_text, touch_text
from knowledge.models import Document, Source, SourceType
from knowledge.models.sites import (
    RESTRICTED,
    PageState,
    SitePage,
    SiteSync,
    SyncState,
    identify_page,
)
from knowledge.sites.bounds import SITE_KEYS, fingerprint_config
from knowledge.sites.comparing import Comparison, compare
from knowledge.sites.crawling import Crawl
from knowledge.sites.levelling import FEWEST, Words, find_levelled, list_words
from knowledge.sites.pages.reading import PageReader
from knowledge.sites.walking import SiteFailed, Walk
from knowledge.sources.schedule import PAUSE_AFTER
from minirag.lib.telling.kept_sentences import kept
from minirag.lib.tracing.stages import stage

logger = structlog.get_logger(__name__)

_READ_AT_ONCE: Final = 50
STALE_AFTER: Final = timedelta(hours=24)
"""A look that nobody went on with for so long is begun anew."""


def sync_source(source: Source) -> float | None:
    """Go on with a claimed source's look, or begin one, and end the job or give it back.

    Returns after how many seconds there is more to do, None where it is over. Raises IngestionError, ClaimLost.
    """
    model = choose_model(source)
    sync = open_sync(source, model)
    before, done = find_version(source), sync.pages_done
    try:
        reading = PageReader(rules=Rules.read(source.config))
        with (
            reading as reader, closing(_open_walk(source, sync, reader, before)) as walk,
            stage("ingestion", "load"),
        ):  # fmt: skip
            is_whole = walk.go_on()
        if not is_whole:
            # What died at it before counts no more if it has got further, unless looks have failed in a row.
            has_got_further = sync.pages_done > done and not _failed_last(source)
            source.give_back(**({"attempts": 0} if has_got_further else {}))
            return walk.delay
        _conclude(walk, model)
    except SiteFailed as error:
        with transaction.atomic():
            source.beat()
            sync.fail(error.code, error.reason)
        if source.attempts + 1 >= PAUSE_AFTER:
            reason = f"{error.reason} It is paused until somebody asks for it."
            raise SiteFailed(error.code, reason) from error
        raise
    return None


def _open_walk(source: Source, sync: SiteSync, reader: PageReader, before: SiteSync | None) -> Walk:
    kind = Crawl if source.source_type == SourceType.SITE else Pull
    return kind(source, sync, reader, before)


def open_sync(source: Source, model: str) -> SiteSync:
    """Return the look that runs, if what it began with still holds; otherwise a new one, which overtakes what waits."""
    row = CONNECTORS.get(source.source_type)
    setup = fingerprint_config(VERSION, source.config, row.known if row else SITE_KEYS)
    is_whole = source.content_hash == setup and not source.redo
    is_whole = is_whole and not lacks_vectors(source, model)
    with transaction.atomic():
        source.beat()
        fresh = SiteSync.objects.filter(
            source=source, state=SyncState.RUNNING, setup=setup, base=source.content_hash,
            updated_at__gte=timezone.now() - STALE_AFTER,
        )  # fmt: skip
        running = fresh.first()
        if running is not None and (running.reads_all_anew or is_whole):
            return running
        SiteSync.objects.open_of(source.pk).end(SyncState.SUPERSEDED)
        SiteSync.objects.forget_old(source.pk)
        return SiteSync.objects.create(
            source=source, setup=setup, base=source.content_hash, reads_all_anew=not is_whole
        )


def find_version(source: Source) -> SiteSync | None:
    """The look whose pages are what answers."""
    return source.syncs.filter(state=SyncState.DONE).first()


def _failed_last(source: Source) -> bool:
    over = source.syncs.exclude(state__in=(SyncState.RUNNING, SyncState.WAITING))
    return over.values_list("state", flat=True).first() == SyncState.FAILED


def _conclude(walk: Walk, model: str) -> None:
    source, sync, before = walk.source, walk.sync, walk.before
    old = _find_answering(source, before)
    pages = list(sync.pages.defer("body"))
    pages += _find_unlisted(walk, pages, old)
    found = compare(pages, old, gone_after=walk.gone_after, believes_all=sync.is_approved)
    if not sync.is_approved:
        _look_for_notices(walk, found)
    # Also after a change of the config or of ours: what is wrong at that very look would pass for it.
    is_held = not sync.is_approved and found.share_lost > walk.max_loss
    with transaction.atomic():
        source.beat()
        _keep_outcome(sync, pages, found)
        if is_held:
            _hold(walk, found)
        elif old and not found.changes_what_answers and not sync.reads_all_anew:
            source.finish()
            sync.finish()
            return
    if is_held:
        return
    answering = [page for page in pages if page.answers]
    if not answering and not old:
        raise _nothing_found(walk, pages)
    shut = [
        identify_page_document(source.pk, each.url) for each in pages if each.code == RESTRICTED
    ]
    _put(walk, answering, model, shut)


def _put(walk: Walk, answering: list[SitePage], model: str, shut: list[uuid.UUID]) -> None:
    """Take it over; where that stops for others, keep what was cut, so that whoever goes on cuts none of it again."""
    source, sync = walk.source, walk.sync
    staged = find_text(source, model)
    if staged is not None and staged.facts.get("sync") != str(sync.pk):
        staged = None
    facts = {"content_hash": sync.setup}
    if staged is None:
        source.report("parsing", 0, len(answering))
        with stage("ingestion", "chunk"):
            documents = list(_make_documents(walk, answering, model))
    else:
        documents = read_text(staged)
    try:
        put_documents(source, model, documents, facts, also=partial(_finish, sync), shut=shut)
    except TurnOver:
        if staged is None:
            keep_text(source, model, documents, {**facts, "sync": str(sync.pk)})
        else:
            touch_text(staged)
        raise


def _look_for_notices(walk: Walk, found: Comparison) -> None:
    """Count as lost what says nearly the same as others all at once; only where that would make a person be asked."""
    source, others = (
        walk.source,
        [page for page in found.rewritten if page.url not in found.levelled],
    )
    if (found.lost + len(others)) <= walk.max_loss * found.before or len(others) < FEWEST:
        return
    bodies = walk.sync.pages.filter(body__isnull=False)

    def say_now() -> Iterator[tuple[str, Words]]:
        for page in others:
            body = bodies.filter(pk=page.pk).values_list("body", flat=True).first()
            if body is not None:
                text = "\n".join(section.text for section in unpack(body).sections)
                yield page.url, list_words(text, page.title, page.url)

    def say_before(url: str) -> Words:
        row = Document.objects.filter(pk=identify_page_document(source.pk, url)).first()
        drafts = read_said(row)[0] if row is not None else []
        text = "\n".join(draft.content for draft in drafts)
        return list_words(text, row.title if row else "", url)

    found.level(find_levelled(say_now(), say_before))


def _find_answering(source: Source, before: SiteSync | None) -> dict[str, SitePage]:
    """The last version's pages by address, without those whose document a person deleted since."""
    if before is None:
        return {}
    there = set(Document.objects.filter(source=source).values_list("pk", flat=True))
    pages = before.pages.filter(answers=True).defer("body")
    return {
        page.url: page for page in pages if identify_page_document(source.pk, page.url) in there
    }


def _finish(sync: SiteSync) -> None:
    sync.finish()
    logger.info(
        "site taken over",
        source_id=str(sync.source_id),
        added=sync.added,
        changed=sync.changed,
        gone=sync.gone,
    )


def _find_unlisted(walk: Walk, pages: list[SitePage], old: dict[str, SitePage]) -> list[SitePage]:
    """Of a list: the pages that answer and that it names no more, unless part of it could not be read."""
    if not walk.sync.is_listed:
        return []
    broken = [page for page in pages if page.is_list and page.state != PageState.READ]
    state, code, reason = PageState.GONE, "not_listed", walk.not_listed
    if broken:
        state, code = PageState.FAILED, "list_failed"
        reason = walk.list_failed.format(reason=broken[0].reason)
    elif walk.sync.pages_left_over:
        reason = f"{reason} Or it is beyond the limit, for there are too many {walk.nouns}."
    there = {page.url for page in pages}
    return [
        SitePage(
            id=identify_page(walk.sync.pk, url), sync=walk.sync, url=url, depth=page.depth, state=state, code=code,
            reason=reason[:500],
        )
        for url, page in old.items()
        if url not in there
    ]  # fmt: skip


def _keep_outcome(sync: SiteSync, pages: list[SitePage], found: Comparison) -> None:
    for page in pages:
        page.__dict__.setdefault("body", None)  # not written, and so not to be read for this
    SitePage.objects.bulk_create(
        pages, batch_size=500, update_conflicts=True, unique_fields=["id"],
        update_fields=[
            "state", "code", "reason", "answers", "title", "language", "content_hash", "etag", "last_modified",
            "times_missing", "canonical", "groups",
        ],
    )  # fmt: skip
    sync.note(**found.counts, changes=found.changes, pages_done=len(pages), pages_total=len(pages))


def _hold(walk: Walk, found: Comparison) -> None:
    sync = walk.sync
    sync.hold()
    reason = (
        f"{found.lost} of {found.before} {walk.nouns} are not there any more, or all say one thing. "
        "Nothing was changed: approve the sync or reject it."
    )
    sync.note(error_code="too_much_lost", error_message=reason)
    walk.source.finish(error_message=reason)


def _nothing_found(walk: Walk, pages: list[SitePage]) -> SiteFailed:
    reasons = [page.reason for page in pages if page.reason and not page.is_list]
    count = sum(not page.is_list for page in pages)
    if not count:
        return SiteFailed("no_pages", f"It names no {walk.nouns}: there is nothing to take.")
    told = kept(f"None of {count} {walk.nouns} could be taken.")
    if reasons:
        told = kept(f"None of {count} {walk.nouns} could be taken. The first: {reasons[0]}")
    return SiteFailed("no_pages", told)


def _make_documents(walk: Walk, answering: list[SitePage], model: str) -> Iterator[NewDocument]:
    """Every page that answers: cut anew where its text came now, otherwise as it stands in the index."""
    source = walk.source
    for start in range(0, len(answering), _READ_AT_ONCE):
        source.report("parsing", start, len(answering))
        portion = answering[start : start + _READ_AT_ONCE]
        read = walk.sync.pages.filter(pk__in=[page.pk for page in portion], body__isnull=False)
        bodies = dict(read.values_list("pk", "body"))
        for page in portion:
            body = bodies.get(page.pk)
            yield _find_indexed(source, page) if body is None else _cut(walk, page, model, body)


def _cut(walk: Walk, page: SitePage, model: str, body: bytes | memoryview) -> NewDocument:
    parsed = unpack(body)
    drafts = chunk_document(parsed, count_tokens=choose_counter(model, parsed.language))
    return NewDocument(
        title=parsed.title, language=parsed.language, drafts=drafts, url=walk.find_link(page), metadata=parsed.metadata,
        key=page.url, char_count=sum(len(section.text) for section in parsed.sections),
    )  # fmt: skip


def _find_indexed(source: Source, page: SitePage) -> NewDocument:
    """A page as its site said it the last time. Raises SiteFailed where it was taken out in the meantime."""
    row = Document.objects.filter(pk=identify_page_document(source.pk, page.url)).first()
    if row is None:
        raise SiteFailed(
            "knowledge_changed", "A page's text was removed while the site was looked at.", True
        )
    drafts, language = read_said(row)
    return NewDocument(
        **read_own(row), language=language, drafts=drafts, char_count=row.char_count, key=page.url
    )
