"""What a tenant knows, as a tree: datasets, their sources, in these further sources, folders and documents.

`open_level` reads one level, a page of it at a time, in a handful of queries however much there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils.translation import gettext

from knowledge.models import Dataset, Document, SiteSync, Source, SourceStatus, SyncState
from knowledge.models.states import SYNCED
from knowledge.progress.telling import tell_progress
from knowledge.sources.finding import ChildrenSummary, summarise_children
from knowledge.tree.folders import Folder, Shelf
from minirag.lib.errors import BadInput, NotFound

LONGEST_FOLDER: Final = 2048
_MOVING = (SourceStatus.PENDING, SourceStatus.PROCESSING)


@dataclass(frozen=True)
class Held:
    """A look at a site or a connector that waits for a person, and why."""

    sync_id: UUID
    reason: str
    gone: int
    added: int
    changed: int


@dataclass
class Node:
    """One line of the tree. Figures that a kind has not are 0; `failed` counts what could not be read below it."""

    kind: str
    id: UUID | None
    name: str
    folder: str = ""
    detail: str = ""
    source_type: str = ""
    status: str = ""
    told: str = ""
    error_code: str = ""
    is_active: bool = True
    sources: int = 0
    documents: int = 0
    chunks: int = 0
    failed: int = 0
    moving: int = 0
    waiting: int = 0
    is_open: bool = False
    progress: dict[str, Any] | None = None
    refreshed_at: datetime | None = None
    next_at: datetime | None = None
    held: Held | None = None
    source_id: UUID | None = None

    @property
    def is_moving(self) -> bool:
        return self.kind == "source" and self.status in _MOVING


@dataclass(frozen=True)
class Level:
    """A page of a level: `path` leads there from the top; `total` counts all of the level."""

    nodes: list[Node]
    total: int
    offset: int
    path: list[Node]
    folder: str = ""

    @property
    def next_offset(self) -> int | None:
        end = self.offset + len(self.nodes)
        return end if self.nodes and end < self.total else None


Part = tuple[int, Callable[[int, int], Sequence[Node]]]
"""How many nodes of a kind a level has, and how to read some of them."""


def open_level(
    *, dataset_id: UUID | None = None, source_id: UUID | None = None, folder: str = "", offset: int = 0, limit: int = 50
) -> Level:  # fmt: skip
    """Return what is in a source or one of its folders, else in a dataset, else all datasets.

    Raises NotFound, BadInput where a folder is named without its source.
    """
    if folder and source_id is None:
        raise BadInput(gettext("A folder is of a source: name the source"), code="source_needed")
    if source_id is not None:
        return _open_source(source_id, folder, offset, limit)
    if dataset_id is not None:
        dataset = _datasets().filter(pk=dataset_id).first()
        if dataset is None:
            raise NotFound(gettext("Dataset not found"))
        tops = _sources().filter(dataset=dataset, parent__isnull=True)
        return _cut([_sources_part(tops)], offset, limit, show_datasets([dataset]))
    found = _datasets()
    part = (found.count(), lambda skip, most: show_datasets(found[skip : skip + most]))
    return _cut([part], offset, limit, [])


def find_node(source_id: UUID) -> Node:
    """Return the line of one source. Raises NotFound."""
    return show_sources([_find(source_id)])[0]


def show_datasets(rows: Sequence[Dataset] | QuerySet[Dataset]) -> list[Node]:
    datasets = list(rows)
    is_queued = Q(status=SourceStatus.PENDING, queued_at__isnull=False)
    is_moving = Q(status=SourceStatus.PROCESSING) | is_queued
    held = Count("syncs", filter=Q(syncs__state=SyncState.WAITING), distinct=True)
    alive = Source.objects.filter(dataset__in=datasets, deleted_at__isnull=True).order_by()
    figures = alive.values("dataset_id").annotate(
        of=Count("pk"), document_sum=Sum("document_count"), chunk_sum=Sum("chunk_count"),
        failed=Count("pk", filter=Q(status=SourceStatus.ERROR)),
        moving=Count("pk", filter=is_moving),
    )  # fmt: skip
    counted: dict[UUID, dict[str, Any]] = {row["dataset_id"]: dict(row) for row in figures}
    waiting = dict(
        alive.filter(syncs__state=SyncState.WAITING)
        .values("dataset_id")
        .annotate(held=held)
        .values_list("dataset_id", "held")
    )
    return [
        _show_dataset(each, counted.get(each.pk, {}), waiting.get(each.pk, 0)) for each in datasets
    ]


def show_sources(rows: Sequence[Source]) -> list[Node]:
    """The lines of some sources, with what their children sum up to and the last look at each."""
    ids = [row.pk for row in rows]
    below = summarise_children(ids)
    newest = SiteSync.objects.filter(source__in=ids).order_by("source_id", "-started_at")
    looks = {
        each.source_id: each
        for each in newest.distinct("source_id").defer("changes", "robots")
    }  # fmt: skip
    return [_show_source(row, below.get(row.pk), looks.get(row.pk)) for row in rows]


def _open_source(source_id: UUID, folder: str, offset: int, limit: int) -> Level:
    source = _find(source_id)
    path = [*show_datasets([source.dataset])]
    if source.parent is not None:
        path += show_sources([source.parent])
    path += show_sources([source])
    shelf = Shelf.open(source.pk, folder)
    parts: list[Part] = []
    if not folder:
        children = _sources().filter(parent=source)
        parts.append(_sources_part(children))
    parts.append(
        (
            shelf.folders,
            lambda skip, most: [
                _show_folder(source, each) for each in shelf.list_folders(skip, most)
            ],
        )
    )
    parts.append(
        (shelf.documents, lambda skip, most: _show_documents(shelf.list_documents(skip, most)))
    )
    if folder:
        path.append(Node("folder", None, folder, folder=folder, source_id=source.pk))
    return _cut(parts, offset, limit, path, shelf.folder)


def _cut(parts: Sequence[Part], offset: int, limit: int, path: list[Node], folder: str = "") -> Level:  # fmt: skip
    """One page of what stands in several lists, one behind the other."""
    nodes: list[Node] = []
    total = sum(count for count, _ in parts)
    skip = offset
    for count, read in parts:
        most = min(limit - len(nodes), count - skip)
        if most > 0:
            nodes += read(skip, most)
        skip = max(0, skip - count)
    return Level(nodes, total, offset, path, folder)


def _sources_part(found: QuerySet[Source]) -> Part:
    ordered = found.order_by("name", "id")
    return found.count(), lambda skip, most: show_sources(list(ordered[skip : skip + most]))


def _datasets() -> QuerySet[Dataset]:
    """Shared ones first, each kind by its name."""
    alive = Dataset.objects.filter(deleted_at__isnull=True).select_related("bot_profile")
    return alive.order_by(F("bot_profile__name").asc(nulls_first=True), "name", "id")


def _sources() -> QuerySet[Source]:
    has_children = Exists(Source.objects.filter(parent=OuterRef("pk"), deleted_at__isnull=True))
    alive = Source.objects.filter(deleted_at__isnull=True).annotate(has_children=has_children)
    return alive.select_related("dataset__bot_profile", "parent").defer("content", "parent__content")  # fmt: skip


def _find(source_id: UUID) -> Source:
    source = _sources().filter(pk=source_id).first()
    if source is None:
        raise NotFound(gettext("Source not found"))
    return source


def _show_dataset(dataset: Dataset, figures: dict[str, Any], waiting: int) -> Node:
    bot = dataset.bot_profile
    return Node(
        "dataset", dataset.pk, dataset.name if bot is None else bot.name,
        detail="shared" if bot is None else "own", is_active=dataset.is_active, sources=figures.get("of", 0),
        documents=figures.get("document_sum") or 0, chunks=figures.get("chunk_sum") or 0,
        failed=figures.get("failed", 0), moving=figures.get("moving", 0), waiting=waiting, is_open=bool(figures),
    )  # fmt: skip


def _show_source(source: Any, below: ChildrenSummary | None, look: SiteSync | None) -> Node:
    config = source.config
    names = ("url", "bucket", "folder", "original_filename")
    origin = next((str(config[name]) for name in names if config.get(name)), "")
    held = None
    if look is not None and look.state == SyncState.WAITING:
        held = Held(look.pk, look.error_message, look.gone, look.added, look.changed)
    is_synced = source.source_type in SYNCED
    return Node(
        "source", source.pk, source.name, detail=origin if origin != source.name else source.description,
        source_type=source.source_type, status=source.status if below is None else below.status,
        told=tell_progress(source) if below is None else "", error_code=source.error_code, is_active=source.is_active,
        sources=below.count if below else 0, documents=source.document_count,
        chunks=below.chunk_count if below else source.chunk_count,
        failed=look.failed if look is not None and is_synced else 0,
        is_open=source.has_children or source.document_count > 0, progress=source.progress,
        refreshed_at=source.last_refreshed_at, next_at=source.next_refresh_at, held=held, source_id=source.pk,
    )  # fmt: skip


def _show_folder(source: Source, folder: Folder) -> Node:
    return Node(
        "folder", None, folder.name, folder=folder.path, documents=folder.documents, chunks=folder.chunks,
        failed=folder.failed, is_open=True, source_id=source.pk,
    )  # fmt: skip


def _show_documents(ids: Sequence[UUID]) -> list[Node]:
    rows = Document.objects.only(
        "id", "title", "url", "chunk_count", "error_code", "error_message", "source_id", "created_at"
    ).in_bulk(ids)  # fmt: skip
    return [_show_document(rows[each]) for each in ids if each in rows]


def _show_document(document: Document) -> Node:
    return Node(
        "document", document.pk, str(document), detail=document.url,
        status=SourceStatus.ERROR if document.error_code else SourceStatus.READY, told=document.error_message,
        error_code=document.error_code, chunks=document.chunk_count, documents=1, source_id=document.source_id,
    )  # fmt: skip
